// What a fallible call of the core returns: a value, or an error a person can act on.
// The core throws nothing of its own; see at_boundary.hpp for what libraries throw.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace campaign {

class Error {
 public:
  // `for_user` says what to do next; `detail` says what happened.
  explicit Error(std::string for_user, std::string detail = {})
      : for_user_(std::move(for_user)), detail_(std::move(detail)) {}

  // An input that does not fit: where it stands, what would fit there, what was there instead.
  static Error invalid(std::string_view where, std::string_view expected, std::string_view got) {
    std::string text;
    text.append(where).append(" must be ").append(expected).append(", not ").append(got);
    return Error(std::move(text));
  }

  const std::string& for_user() const { return for_user_; }
  const std::string& detail() const { return detail_.empty() ? for_user_ : detail_; }

 private:
  std::string for_user_;
  std::string detail_;
};

// `E` is another type only where the failure is itself part of a contract (a protocol's refusals).
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : outcome_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return outcome_.index() == 0; }
  T& operator*() & { return std::get<0>(outcome_); }
  const T& operator*() const& { return std::get<0>(outcome_); }
  T&& operator*() && { return std::get<0>(std::move(outcome_)); }
  T* operator->() { return &std::get<0>(outcome_); }
  const T* operator->() const { return &std::get<0>(outcome_); }
  const E& error() const { return std::get<1>(outcome_); }

 private:
  std::variant<T, E> outcome_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  const E& error() const {
    assert(error_);
    return *error_;
  }

 private:
  std::optional<E> error_;
};

}  // namespace campaign
