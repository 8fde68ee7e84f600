// Units whose payload says where they come from, and counts its references.
#pragma once

#include <atomic>
#include <cstdint>

#include "campaign/routing/access_unit.hpp"

namespace campaign::routing::test {

struct Picture {
  int stream = 0;
  std::int64_t index = 0;   // in its stream
  std::int64_t needs = -1;  // the unit that it is decoded from
  std::int64_t tick = 0;    // of its campaign: the same instant in every rung
  Nanoseconds instant{};    // the unit's own timestamp
  bool key_frame = false;
  std::atomic<int> references = 1;
  static inline std::atomic<int> alive = 0;

  Picture() { ++alive; }
  ~Picture() { --alive; }
};

inline constexpr Payload::Kind kPictureKind = {
    [](void* picture) { ++static_cast<Picture*>(picture)->references; },
    [](void* object) {
      auto* picture = static_cast<Picture*>(object);
      if (--picture->references == 0) delete picture;
    }};

inline const Picture& picture_in(const AccessUnit& unit) {
  return *static_cast<Picture*>(unit.payload.get());
}

inline AccessUnit make_unit(Nanoseconds pts, bool key_frame, int stream = 0, std::int64_t index = 0,
                            std::int64_t tick = 0, std::uint32_t bytes = 1000) {
  auto* picture = new Picture;
  picture->stream = stream;
  picture->index = index;
  picture->tick = tick;
  picture->instant = pts;
  picture->key_frame = key_frame;
  return {Payload(picture, kPictureKind), pts, bytes, key_frame};
}

}  // namespace campaign::routing::test
