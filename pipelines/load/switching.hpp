// What a viewer asked to watch instead, and what came of it. The server's messages pass the viewer's requests
// on their way: what goes while it is asked for is refused after it is known to be gone. Plain C++, one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "pipelines/load/media/time.hpp"
#include "pipelines/load/server_message.hpp"

namespace campaign::load {

class Switching {
 public:
  bool is_waiting() const { return waiting_.has_value(); }

  void ask(Pick to, Time now) {
    waiting_ = Waiting{std::move(to), now};
    ++asked_;
  }
  void tick(Time now) {
    if (waiting_ && now - waiting_->asked > kPatience) give_up();
  }
  void on_offer(const Choice& choice) {
    if (waiting_ && !choice.offers(waiting_->to)) give_up();
  }
  void told(const QualityMessage& quality, bool of_another_campaign, Time now) {
    if (!waiting_ || !answers(quality, waiting_->to)) return;
    took_.push_back(now - waiting_->asked);
    of_campaign_ += of_another_campaign;
    waiting_.reset();
    given_up_ = 0;  // the server answers in the order in which it is asked
  }
  // Whether the error answers one of the requests.
  bool refused(const ErrorMessage& error) {
    const bool names_what_is_gone = error.code == "unknown-quality" || error.code == "unknown-campaign";
    if (given_up_ > 0 && names_what_is_gone)
      --given_up_;
    else if (waiting_)
      waiting_.reset();
    else
      return false;
    ++refused_;
    return true;
  }

  std::uint64_t asked() const { return asked_; }
  std::uint64_t refusals() const { return refused_; }
  std::uint64_t of_campaign() const { return of_campaign_; }
  const std::vector<Time>& took() const { return took_; }  // from asking to being told, of each that was done

 private:
  static constexpr Time kPatience = 10s;

  struct Waiting {
    Pick to;
    Time asked;
  };

  static bool answers(const QualityMessage& told, const Pick& asked) {
    return told.campaign == asked.campaign && (asked.quality == kAuto || told.quality == asked.quality);
  }
  void give_up() {
    waiting_.reset();
    ++given_up_;
  }

  std::optional<Waiting> waiting_;
  std::uint64_t asked_ = 0, refused_ = 0, of_campaign_ = 0;
  std::uint64_t given_up_ = 0;  // requests that may still be refused
  std::vector<Time> took_;
};

}  // namespace campaign::load
