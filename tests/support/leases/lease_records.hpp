// What lease_store.hpp promises, in memory: the reference for the real stores, and the simulated Redis of the
// schedules. Its clock is given, in whole milliseconds as Redis counts them. It can be made to break its
// promises one at a time, which tests of tests need.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "campaign/nodes/lease_store.hpp"

namespace campaign::nodes::test {

enum class Fault {
  none,
  runs_out_early,  // leases last three quarters of what was asked for
  keeps_epoch,     // who acquires what it already holds, or held last, gets the same epoch again
  ignores_epoch,   // takes what is written under any epoch
  gives_out_while_young,
};

class LeaseRecords {
 public:
  explicit LeaseRecords(Fault fault = Fault::none) : fault_(fault) {}

  LeaseReply answer(const LeaseRequest& request, std::int64_t now_ms) {
    if (!since_) since_ = now_ms;
    const std::int64_t time_ms = request.time.ns() / 1'000'000;
    const auto it = records_.find(request.campaign);
    Record* record = it == records_.end() ? nullptr : &it->second;
    const bool lasts = record && record->kind != Kind::free && record->until > now_ms;
    const bool young = fault_ != Fault::gives_out_while_young && now_ms < *since_ + time_ms;

    LeaseReply reply{.epoch = record ? record->epoch : 0};
    if (record) reply.holder = record->holder;
    reply.offered = lasts && record->kind == Kind::offered;
    reply.remaining = TimeDelta::ms(lasts ? record->until - now_ms : young ? *since_ + time_ms - now_ms : 0);
    reply.ran_out = record && record->kind == Kind::held && !lasts;
    const bool may_be_forgotten = young && !lasts;
    const bool callers = record && record->kind == Kind::held && record->holder == request.holder;

    switch (request.kind) {
      case LeaseRequest::Kind::look:
        reply.outcome = lasts              ? LeaseReply::Outcome::held
                        : may_be_forgotten ? LeaseReply::Outcome::young
                                           : LeaseReply::Outcome::vacant;
        break;
      case LeaseRequest::Kind::acquire: {
        const bool others =
            lasts && (record->kind == Kind::offered ? record->holder.node != request.holder.node
                                                    : record->holder != request.holder);
        if (others || may_be_forgotten) {
          reply.outcome = others ? LeaseReply::Outcome::held : LeaseReply::Outcome::young;
          break;
        }
        if (record && record->epoch > request.epoch && fault_ != Fault::keeps_epoch) {
          reply.outcome = lasts ? LeaseReply::Outcome::held : LeaseReply::Outcome::vacant;
          break;
        }
        const Epoch last = record ? record->epoch : 0;
        const Epoch epoch = fault_ == Fault::keeps_epoch && record && record->holder == request.holder
                                ? last
                                : std::max(last + 1, Epoch(now_ms));
        records_[request.campaign] = {epoch, Kind::held, request.holder, now_ms + lasting(time_ms)};
        reply = {.outcome = LeaseReply::Outcome::granted, .epoch = epoch, .holder = request.holder};
        break;
      }
      case LeaseRequest::Kind::renew:
        if (may_be_forgotten) {
          reply.outcome = LeaseReply::Outcome::young;
        } else if (callers && record->epoch == request.epoch) {
          record->until = now_ms + lasting(time_ms);
          reply = {.outcome = LeaseReply::Outcome::granted, .epoch = request.epoch, .holder = request.holder};
        } else {
          reply.outcome = lasts ? LeaseReply::Outcome::held : LeaseReply::Outcome::vacant;
        }
        break;
      case LeaseRequest::Kind::release:
        if (callers && record->epoch == request.epoch) {
          record->kind = request.offer_to.empty() ? Kind::free : Kind::offered;
          if (!request.offer_to.empty()) record->holder = {request.offer_to, ""};
          record->until = now_ms + time_ms;
        }
        reply.outcome = LeaseReply::Outcome::granted;
        break;
      case LeaseRequest::Kind::offer:
        if (lasts || may_be_forgotten) {
          reply.outcome = lasts ? LeaseReply::Outcome::held : LeaseReply::Outcome::young;
        } else {
          records_[request.campaign] = {reply.epoch, Kind::offered, {request.offer_to, ""}, now_ms + time_ms};
          reply.outcome = LeaseReply::Outcome::granted;
        }
        break;
    }
    return reply;
  }

  // Whether what is written under this epoch is taken.
  bool admits(const std::string& campaign, Epoch epoch) const {
    if (fault_ == Fault::ignores_epoch) return true;
    const auto it = records_.find(campaign);
    return it != records_.end() && it->second.epoch == epoch;
  }

  // A restart: what has been kept is what there was at that moment.
  void restart_with(LeaseRecords kept) {
    *this = std::move(kept);
    since_.reset();
  }

 private:
  enum class Kind { free, held, offered };
  struct Record {
    Epoch epoch = 0;
    Kind kind = Kind::free;
    Holder holder;
    std::int64_t until = 0;  // ms
  };

  std::int64_t lasting(std::int64_t time_ms) const {
    return fault_ == Fault::runs_out_early ? time_ms * 3 / 4 : time_ms;
  }

  Fault fault_;
  std::map<std::string, Record> records_;
  std::optional<std::int64_t> since_;  // its first request
};

}  // namespace campaign::nodes::test
