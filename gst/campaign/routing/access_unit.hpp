// One encoded picture on its way to many viewers: a reference and what the router must know of it.
// Bytes are never looked at and never copied.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

namespace campaign::routing {

// A point in time, or between two. Timestamps of units count in the running time of all streams alike;
// "now" is any clock that does not go back, the same for every call.
using Nanoseconds = std::chrono::nanoseconds;
using namespace std::chrono_literals;

// One of several references to something that counts them itself, such as a GstBuffer. As safe from several
// threads as that count is.
class Payload {
 public:
  struct Kind {
    void (*ref)(void*);
    void (*unref)(void*);
  };

  Payload() = default;
  // Takes over one reference of the caller's. `kind` lives as long as the program.
  Payload(void* object, const Kind& kind) : object_(object), kind_(&kind) {}
  Payload(const Payload& other) : object_(other.object_), kind_(other.kind_) {
    if (object_) kind_->ref(object_);
  }
  Payload(Payload&& other) noexcept : object_(std::exchange(other.object_, nullptr)), kind_(other.kind_) {}
  Payload& operator=(Payload other) noexcept {
    std::swap(object_, other.object_);
    std::swap(kind_, other.kind_);
    return *this;
  }
  ~Payload() {
    if (object_) kind_->unref(object_);
  }

  void* get() const { return object_; }                        // borrowed
  void* release() { return std::exchange(object_, nullptr); }  // the reference goes to the caller

 private:
  void* object_ = nullptr;
  const Kind* kind_ = nullptr;
};

struct AccessUnit {
  Payload payload;
  Nanoseconds pts{};        // strictly increasing in its stream; the same instant in every rung
  std::uint32_t bytes = 0;  // of the encoded picture
  bool key_frame = false;   // decoding can start here
  bool droppable = false;   // no other unit is decoded from it
};

}  // namespace campaign::routing
