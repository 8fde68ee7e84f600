#include "pacedsender.hpp"

#include <gst/rtp/rtp.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace campaign {
namespace {

using congestion::DataRate;
using congestion::Timestamp;

constexpr GstClockTime kTick = 50 * GST_MSECOND;  // the estimator and the policy look at least every 100 ms
constexpr std::chrono::milliseconds kLongestWait{100};
constexpr GstClockTime kSecond = GST_SECOND;
constexpr std::size_t kMostEvents = 512;    // more than that between two packets is somebody's mistake
constexpr std::uint64_t kUnnumbered = 100;  // packets without a number, before that is said
// What waits longer when a key frame comes is of the past: a frame at a rung's own rate leaves within 13 ms.
constexpr congestion::TimeDelta kStaleQueue = congestion::TimeDelta::ms(40);
// Own: how long the new rung's key frame is awaited with nothing sent; one that slept needs a quarter of it.
constexpr GstClockTime kHopeless = GST_SECOND;
constexpr double kNoticeable = 0.01;   // an estimate that moves less is the same one
constexpr std::size_t kTogether = 32;  // packets in one push
// Own: packets of a frame that come within this time come at once; and so many are sent without waiting for
// the rest.
constexpr GstClockTime kAtOnce = 2 * GST_MSECOND;
constexpr std::size_t kHeld = 16;

}  // namespace

void PacedSender::start(const Adaptation::Settings& settings) {
  std::scoped_lock lock(mutex_);
  run_.emplace(settings);
}

void PacedSender::stop() {
  std::optional<Run> old;  // its packets are let go of without the lock
  {
    std::scoped_lock lock(mutex_);
    std::swap(old, run_);
  }
  wake_.notify_all();
  emptied_.notify_all();
}

void PacedSender::flush() {
  Ring<Item> old;
  {
    std::scoped_lock lock(mutex_);
    if (!run_) return;
    run_->flushing = true;
    run_->pacer.clear();
    std::swap(old, run_->items);
    run_->events = 0;
  }
  wake_.notify_all();
  emptied_.notify_all();
}

void PacedSender::resume() {
  std::scoped_lock lock(mutex_);
  if (!run_) return;
  run_->flushing = false;
  run_->skipping = false;
  run_->flow = GST_FLOW_OK;
}

void PacedSender::ask_for_key_frame(Run& run, GstClockTime now) {
  if (run.last_key_frame != 0 && now - run.last_key_frame < kSecond) return;
  run.last_key_frame = now;
  run.want_key_frame = true;
}

// Those that wait for their turn; events keep theirs.
void PacedSender::drop_packets(Run& run, Ring<Item>& stale) {
  std::swap(run.items, stale);
  for (std::size_t i = 0; i < stale.size(); ++i) {
    if (stale[i].event)
      run.items.push_back(std::move(stale[i]));
    else
      ++run.counts.dropped;
  }
  run.pacer.drop_queued();
}

bool PacedSender::admit_repair(Run& run, const Ref<GstBuffer>& packet, GstClockTime now) {
  const auto heading = RtpOutput::heading(packet.get());
  const auto size = RtpOutput::size_on_wire(packet.get());
  const bool worth =
      !run.skipping && now >= run.hopeless_until && heading &&
      run.repairs.admit(heading->number, size, run.adaptation.estimate(),
                        run.adaptation.network().round_trip.value_or(congestion::TimeDelta()), time(now)) &&
      run.pacer.enqueue(0, size);
  ++(worth ? run.counts.repairs : run.counts.repairs_refused);
  return worth;
}

// A gap in the numbers makes the receiver ask for what is missing; what was dropped here is not worth that,
// so the picture starts anew with a key frame, which payloaders mark. Where they do not, the next packet
// that finds room ends the gap. A key frame that comes while others still wait takes their place: nobody will
// miss them once it is there.
bool PacedSender::admit(Run& run, const Ref<GstBuffer>& packet,
                        const std::optional<RtpOutput::Heading>& heading, Ring<Item>& stale,
                        GstClockTime now) {
  const bool delta = GST_BUFFER_FLAG_IS_SET(packet.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  if (run.repairs.starts_key_frame(!delta) && run.pacer.queue_time() > kStaleQueue) drop_packets(run, stale);
  if (delta && now < run.hopeless_until) {
    if (run.hopeless_until - now < kHopeless / 2) ask_for_key_frame(run, now);
    ++run.counts.dropped;
    return false;
  }
  if ((run.skipping && delta) || !run.pacer.enqueue(0, RtpOutput::size_on_wire(packet.get()))) {
    run.skipping = true;
    ask_for_key_frame(run, now);
    ++run.counts.dropped;
    return false;
  }
  run.skipping = false;
  run.hopeless_until = 0;
  if (heading) run.repairs.on_media(heading->number, !delta);
  return true;
}

// A packet that the rest of its frame follows at once wakes nobody: they go together, and the one that ends
// the frame sends them. That the rest follows is what the frames before have shown; should it not, the task
// looks after 100 ms, and the next packet wakes it.
bool PacedSender::waits_for_its_frame(Run& run, const std::optional<RtpOutput::Heading>& heading,
                                      GstClockTime now) {
  const auto last = std::exchange(run.last_heading, heading);
  const bool begins = !last || !heading || !last->same_frame(*heading);
  if (begins) {
    if (last && !last->ends_frame) run.whole_frames = false;
    run.frame_since = now;
  }
  run.frame_ended = heading && heading->ends_frame;
  if (run.frame_ended) run.whole_frames = now - run.frame_since < kAtOnce;
  return heading && run.passes && run.whole_frames;
}

GstFlowReturn PacedSender::enqueue(Ref<GstBuffer> packet) {
  Ring<Item> stale;  // let go of without the lock
  {
    std::scoped_lock lock(mutex_);
    if (!run_ || run_->flushing) return GST_FLOW_FLUSHING;
    if (run_->flow != GST_FLOW_OK) return run_->flow;
    const GstClockTime at = now();
    if (GST_BUFFER_FLAG_IS_SET(packet.get(), GST_RTP_BUFFER_FLAG_RETRANSMISSION)) {
      if (!admit_repair(*run_, packet, at)) return GST_FLOW_OK;
      run_->items.push_back({std::move(packet), {}, at, std::nullopt});
    } else {
      const auto heading = RtpOutput::heading(packet.get());
      const bool admitted = admit(*run_, packet, heading, stale, at);
      const bool held = waits_for_its_frame(*run_, heading, at) && admitted;
      if (admitted) run_->items.push_back({std::move(packet), {}, at, heading});
      if (held) return GST_FLOW_OK;
    }
  }
  wake_.notify_one();
  return GST_FLOW_OK;
}

bool PacedSender::enqueue(Ref<GstEvent> event) {
  {
    std::scoped_lock lock(mutex_);
    if (!run_ || run_->flushing || run_->events >= kMostEvents) return false;
    ++run_->events;
    run_->items.push_back({{}, std::move(event), now()});
  }
  wake_.notify_one();
  return true;
}

bool PacedSender::wait_until_empty(std::chrono::nanoseconds at_most) {
  wake_.notify_one();
  std::unique_lock lock(mutex_);
  const auto done = [this] {
    return !run_ || run_->flushing || (run_->items.empty() && run_->pusher == Pusher::nobody);
  };
  return emptied_.wait_for(lock, at_most, done) && run_ && !run_->flushing;
}

void PacedSender::on_feedback(const GstStructure* feedback) {
  {
    std::scoped_lock lock(mutex_);
    if (!run_) return;
    ++run_->counts.feedback;
    run_->adaptation.on_feedback(time(now()), run_->feedback.read(feedback));
    run_->pacer.set_target(run_->adaptation.pace());
  }
  wake_.notify_one();
}

void PacedSender::keep_time(Run& run, GstClockTime now) {
  if (run.last_time != 0 && now - run.last_time < kTick) return;
  run.last_time = now;
  run.adaptation.on_time(time(now));
  run.pacer.set_target(run.adaptation.pace());
  while (const auto probe = run.adaptation.next_probe()) {
    run.pacer.start_probe(*probe);
    if (run.can_repeat) run.repeats += probe->size;
    ++run.counts.probes;
  }
}

std::optional<PacedSender::News> PacedSender::news(Run& run, Ring<Item>& stale, GstClockTime now) {
  News news;
  const std::uint64_t estimate = std::uint64_t(run.adaptation.estimate().bps());
  const double change = std::abs(double(estimate) - double(run.told_estimate));
  if (change > kNoticeable * double(run.told_estimate) && now - run.last_estimate >= kTick) {
    run.told_estimate = estimate;
    run.last_estimate = now;
    news.estimate = estimate;
  }
  // Upstream can be told of a quality from the first packet on: before that, nobody may be there.
  if (run.counts.packets > 0) {
    news.choice = run.adaptation.take_choice();
    if (news.choice && news.choice->hopeless_before) {
      run.hopeless_until = now + kHopeless;
      drop_packets(run, stale);
    }
    if (now - run.last_alive >= kSecond && !(run.numbered && run.adaptation.network().silent)) {
      run.last_alive = now;
      news.alive = true;
    }
  }
  news.repeats = std::exchange(run.repeats, {});
  run.counts.repeat_bytes += std::uint64_t(news.repeats.bytes());
  news.want_key_frame = std::exchange(run.want_key_frame, false);
  if (run.unnumbered >= kUnnumbered && !run.numbered && !std::exchange(run.told_unmeasured, true))
    news.nothing_measured = true;
  if (!news.choice && !news.estimate && !news.alive && !news.want_key_frame && !news.nothing_measured &&
      news.repeats == congestion::DataSize())
    return std::nullopt;
  return news;
}

// Feedback comes for what is sent. Where upstream stopped because none came, nothing would ever be heard of
// that viewer again, so a padding packet a second asks.
bool PacedSender::ask_for_life(Run& run, GstClockTime now) {
  if (!run.numbered || !run.adaptation.network().silent || now - run.last_sent < kSecond) return false;
  if (!run.can_pad && !run.can_repeat) return false;
  run.last_sent = now;
  if (!run.can_pad) run.repeats += congestion::DataSize::bytes(1);
  return run.can_pad;
}

bool PacedSender::take(Run& run, Step& step, GstClockTime now) {
  if (!run.items.empty() && run.items.front().event) {
    step.event = run.items.pop_front().event;
    --run.events;
    return true;
  }
  if (run.flow != GST_FLOW_OK) return false;
  if (run.items.empty() && !run.can_pad) {  // a probe waits for packets, or for a frame's end
    ask_for_life(run, now);
    return false;
  }
  if (!take_packets(run, step, now)) step.pad = ask_for_life(run, now);
  return step.pad || !step.packets.empty();
}

// As many of one frame as may go now. Those of a probe go one by one: each has a time of its own.
bool PacedSender::take_packets(Run& run, Step& step, GstClockTime now) {
  const auto goes_along = [&] {
    if (run.items.empty() || step.packets.size() == kTogether) return false;
    const Item& next = run.items.front();
    return next.packet && next.heading && run.last_taken && next.heading->same_frame(*run.last_taken);
  };
  do {
    if (!step.packets.empty() && run.pacer.probing()) break;
    const auto send = run.pacer.next(time(now));
    if (!send) break;
    step.probe = send->probe;
    if (!send->token) {
      step.pad = true;
      break;
    }
    Item item = run.items.pop_front();
    run.counts.longest_wait = std::max<std::uint64_t>(run.counts.longest_wait, now - item.since);
    step.packets.push_back(std::move(item.packet));
    run.last_taken = item.heading;
  } while (step.probe == congestion::kNoProbe && goes_along());
  return step.pad || !step.packets.empty();
}

// What `by` was given is pushed, if it was given something. Whether somebody else pushes.
bool PacedSender::pushed(Run& run, Pusher by) {
  if (run.pusher != by) return run.pusher != Pusher::nobody;
  run.pusher = Pusher::nobody;
  if (run.items.empty()) emptied_.notify_all();
  return false;
}

bool PacedSender::next_at_once(Step& step) {
  step.packets.clear();
  step.probe = congestion::kNoProbe;
  {
    std::scoped_lock lock(mutex_);
    if (!run_) return false;
    Run& run = *run_;
    // Asked first: what the sink was given is pushed even if a flush has begun meanwhile.
    const bool others_push = pushed(run, Pusher::sink);
    if (others_push || run.flushing) return false;
    const bool due = run.passes && run.flow == GST_FLOW_OK && !run.items.empty() &&
                     run.items.front().packet && (run.frame_ended || run.items.size() >= kHeld);
    if (due && take_packets(run, step, now())) {
      run.pusher = Pusher::sink;
      return true;
    }
    if (!due || run.items.empty()) return false;
  }
  wake_.notify_one();
  return false;
}

void PacedSender::next(Step& step) {
  Ring<Item> stale;  // let go of without the lock
  step.news = {};
  step.packets.clear();
  step.pad = step.stopped = false;
  step.probe = congestion::kNoProbe;
  std::unique_lock lock(mutex_);
  for (bool waited = false;; waited = true) {
    if (!run_ || run_->flushing) {
      step.stopped = true;
      return;
    }
    Run& run = *run_;
    if (pushed(run, Pusher::task)) {
      wake_.wait_for(lock, kLongestWait);
      continue;
    }
    const GstClockTime at = now();
    keep_time(run, at);
    auto told = news(run, stale, at);
    if (told) step.news = std::move(*told);
    if (take(run, step, at) || told) {
      run.pusher = Pusher::task;
      return;
    }
    if (waited) return;
    auto wait = std::chrono::nanoseconds(kLongestWait);
    if (!run.items.empty() || run.can_pad) {
      const Timestamp due = run.pacer.next_time();
      if (due != Timestamp::never())
        wait = std::clamp(std::chrono::nanoseconds((due - time(at)).ns()), std::chrono::nanoseconds(0), wait);
    }
    wake_.wait_for(lock, wait);
  }
}

void PacedSender::sent(std::uint16_t first, std::span<const congestion::DataSize> sizes,
                       congestion::ProbeId probe, bool padding) {
  std::scoped_lock lock(mutex_);
  if (!run_) return;
  Run& run = *run_;
  const GstClockTime at = now();
  run.feedback.on_sent(first, std::uint16_t(sizes.size()), at);
  run.last_sent = at;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    // The first one may wait downstream until a connection is there, and its silence would mean nothing.
    if (run.numbered) run.adaptation.on_packet_sent(time(at), std::uint16_t(first + i), sizes[i], probe);
    run.numbered = true;
    ++run.counts.packets;
    run.counts.bytes += std::uint64_t(sizes[i].bytes());
    if (!padding) continue;
    ++run.counts.padding;
    run.counts.padding_bytes += std::uint64_t(sizes[i].bytes());
  }
}

void PacedSender::sent_without_number() {
  std::scoped_lock lock(mutex_);
  if (!run_) return;
  ++run_->counts.packets;
  ++run_->unnumbered;
  run_->adaptation.on_packet_without_number();
  run_->pacer.set_target(run_->adaptation.pace());
}

void PacedSender::expect_repeat(std::uint16_t number) {
  std::scoped_lock lock(mutex_);
  if (run_) run_->repairs.expect(number);
}

void PacedSender::set_padding(bool can_pad, bool can_repeat) {
  std::scoped_lock lock(mutex_);
  if (!run_) return;
  run_->can_pad = can_pad;
  run_->can_repeat = can_repeat;
}

void PacedSender::set_flow(GstFlowReturn flow) {
  std::scoped_lock lock(mutex_);
  if (!run_) return;
  run_->passes = true;
  if (run_->flow == GST_FLOW_OK) run_->flow = flow;
}

std::optional<PacedSender::Statistics> PacedSender::statistics() const {
  std::scoped_lock lock(mutex_);
  if (!run_) return std::nullopt;
  Statistics statistics = run_->counts;
  statistics.network = run_->adaptation.network();
  statistics.estimate = std::uint64_t(run_->adaptation.estimate().bps());
  statistics.switches = run_->adaptation.switches();
  statistics.quality = run_->adaptation.rung().name;
  statistics.reason = run_->adaptation.reason();
  statistics.too_slow = run_->adaptation.network_too_slow();
  statistics.thin_to = run_->adaptation.thin_to();
  statistics.queued = run_->items.size();
  return statistics;
}

}  // namespace campaign
