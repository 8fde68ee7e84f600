// What Redis answered, or that it did not; a view that is good for as long as the callback runs.
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace campaign::events::redis {

class Reply {
 public:
  explicit Reply(const redisReply* raw) : raw_(raw) {}
  static Reply not_sent(std::string_view why) { return Reply(false, why); }
  static Reply lost(std::string_view why) { return Reply(true, why); }

  // Whether Redis answered, with an error or not. If not: never `was_sent`, or done or not done.
  bool answered() const { return raw_ != nullptr; }
  bool was_sent() const { return raw_ != nullptr || was_sent_; }
  bool is_error() const { return raw_ && raw_->type == REDIS_REPLY_ERROR; }
  bool ok() const { return raw_ && raw_->type != REDIS_REPLY_ERROR; }
  bool is_nil() const { return raw_ && raw_->type == REDIS_REPLY_NIL; }
  // Why there is no usable answer: one sentence, for a log.
  std::string trouble() const { return std::string(is_error() ? view() : why_); }

  // Of the type asked for, or nothing.
  std::optional<std::string_view> text() const {
    if (!raw_ || (raw_->type != REDIS_REPLY_STRING && raw_->type != REDIS_REPLY_STATUS)) return std::nullopt;
    return view();
  }
  std::optional<std::int64_t> integer() const {
    if (!raw_ || raw_->type != REDIS_REPLY_INTEGER) return std::nullopt;
    return raw_->integer;
  }
  std::size_t size() const { return raw_ && raw_->type == REDIS_REPLY_ARRAY ? raw_->elements : 0; }
  // An element of an array; outside of it one that is of no type.
  Reply operator[](std::size_t index) const {
    return index < size() ? Reply(raw_->element[index]) : lost("an element is missing");
  }

 private:
  Reply(bool was_sent, std::string_view why) : raw_(nullptr), was_sent_(was_sent), why_(why) {}
  std::string_view view() const { return {raw_->str, raw_->len}; }

  const redisReply* raw_;
  bool was_sent_ = true;
  std::string_view why_;
};

using ReplyCallback = std::function<void(const Reply&)>;

}  // namespace campaign::events::redis
