// What waits between adaptivebitrate's pads, and when it goes: the queue, the pacer and the estimate behind
// them, under one lock. The sink's thread puts packets and events in, and takes out again what may go at once
// at the end of a frame; the source's task takes the rest, and feedback comes in on a third. One of the first
// two pushes at a time, from a step that it was given until it asks for the next. Nothing here calls out;
// what others have to be told is in what next() returns.
#pragma once

#include <gst/gst.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "campaign/adaptation.hpp"
#include "congestion/pacer.hpp"
#include "congestion/repairs.hpp"
#include "rtpoutput.hpp"
#include "transportfeedback.hpp"
#include "util/gst_ptr.hpp"
#include "util/ring.hpp"

namespace campaign {

class PacedSender {
 public:
  // Between the pads' activation and its end. stop() lets all that wait return.
  void start(const Adaptation::Settings& settings);
  void stop();
  // Flushing: drops what waits and refuses what comes, and takes things up again with the same estimate.
  void flush();
  void resume();

  // The sink's thread. A packet that finds the queue full is dropped, and so are those after it up to the
  // next key frame; that is no error. Events wait their turn among the packets.
  GstFlowReturn enqueue(Ref<GstBuffer> packet);
  bool enqueue(Ref<GstEvent> event);
  // Until all that was put in has been pushed.
  bool wait_until_empty(std::chrono::nanoseconds at_most);

  // Any thread.
  void on_feedback(const GstStructure* feedback);
  // Tells the adaptation something, as change(Adaptation&, Timestamp), under the lock; not before start().
  template <class F>
  void adapt(F&& change) {
    {
      std::scoped_lock lock(mutex_);
      if (!run_) return;
      change(run_->adaptation, time(now()));
      run_->pacer.set_target(run_->adaptation.pace());
    }
    wake_.notify_one();
  }

  // What is done next, in this order.
  struct News {
    std::optional<Adaptation::Choice> choice;
    std::optional<std::uint64_t> estimate;  // bit/s, when it is another
    bool alive = false;                     // somebody downstream takes what we send: told once a second
    bool want_key_frame = false;            // packets were dropped
    congestion::DataSize repeats;           // to be asked for upstream
    bool nothing_measured = false;          // told once: the packets carry no transport-wide number
  };
  struct Step {
    News news;
    Ref<GstEvent> event;
    std::vector<Ref<GstBuffer>> packets;  // of one frame, to be pushed together
    bool pad = false;                     // send a padding packet
    congestion::ProbeId probe = congestion::kNoProbe;
    bool stopped = false;
  };
  // Waits until there is something, at most for 100 ms; the step may be empty. The source's task only.
  void next(Step& step);
  // What the sink's thread sends itself, after a packet was put in: packets that may go now, if nobody else
  // pushes. False: there is nothing (more) for it to do.
  bool next_at_once(Step& step);

  // Who has been given a step; before its packets are pushed. Numbers are in order, and none: without one.
  void sent(std::uint16_t first, std::span<const congestion::DataSize> sizes, congestion::ProbeId probe,
            bool padding);
  void sent_without_number();
  void expect_repeat(std::uint16_t number);  // of a media packet, as padding
  void set_padding(bool can_pad, bool can_repeat);
  void set_flow(GstFlowReturn flow);

  struct Statistics {
    congestion::NetworkState network;
    std::uint64_t estimate = 0, switches = 0;
    std::string quality, reason;
    bool too_slow = false;      // for the lowest rung
    std::uint64_t thin_to = 0;  // as Adaptation's
    std::uint64_t packets = 0, bytes = 0, padding = 0, padding_bytes = 0, repeat_bytes = 0, probes = 0,
                  dropped = 0, repairs = 0, repairs_refused = 0;
    std::uint64_t feedback = 0, queued = 0;
    std::uint64_t longest_wait = 0;  // ns, of a packet in the queue
  };
  std::optional<Statistics> statistics() const;

 private:
  struct Item {
    Ref<GstBuffer> packet;
    Ref<GstEvent> event;
    GstClockTime since = 0;
    std::optional<RtpOutput::Heading> heading;  // of a media packet
  };
  enum class Pusher { nobody, task, sink };
  struct Run {
    explicit Run(const Adaptation::Settings& settings)
        : adaptation(settings), pacer({.padding = RtpOutput::padding_size()}, adaptation.pace()) {}
    Adaptation adaptation;
    congestion::Pacer pacer;
    congestion::Repairs repairs;
    TransportFeedback feedback;
    Ring<Item> items;
    std::size_t events = 0;  // among them
    bool flushing = false;
    Pusher pusher = Pusher::nobody;
    GstFlowReturn flow = GST_FLOW_OK;
    bool passes = false;        // a push has returned: nothing downstream waits for a connection
    bool frame_ended = false;   // by the last packet that was put in
    bool whole_frames = false;  // they come at once, up to a packet that ends them
    std::optional<RtpOutput::Heading> last_heading, last_taken;
    GstClockTime frame_since = 0;

    bool can_pad = false, can_repeat = false, skipping = false, want_key_frame = false, numbered = false;
    congestion::DataSize repeats;
    std::uint64_t unnumbered = 0, told_estimate = 0;
    GstClockTime hopeless_until = 0;  // or until a key frame
    GstClockTime last_time = 0, last_estimate = 0, last_alive = 0, last_key_frame = 0, last_sent = 0;
    bool told_unmeasured = false;
    std::optional<GstClockTime> last_padding;
    Statistics counts;
  };
  GstClockTime now() const { return gst_clock_get_time(clock_.get()); }
  static congestion::Timestamp time(GstClockTime clock) {
    return congestion::Timestamp::ns(std::int64_t(clock));
  }
  bool admit(Run& run, const Ref<GstBuffer>& packet, const std::optional<RtpOutput::Heading>& heading,
             Ring<Item>& stale, GstClockTime now);
  static bool waits_for_its_frame(Run& run, const std::optional<RtpOutput::Heading>& heading,
                                  GstClockTime now);
  bool admit_repair(Run& run, const Ref<GstBuffer>& packet, GstClockTime now);
  static void ask_for_key_frame(Run& run, GstClockTime now);
  static void drop_packets(Run& run, Ring<Item>& stale);
  void keep_time(Run& run, GstClockTime now);
  std::optional<News> news(Run& run, Ring<Item>& stale, GstClockTime now);
  bool take(Run& run, Step& step, GstClockTime now);
  static bool take_packets(Run& run, Step& step, GstClockTime now);
  bool pushed(Run& run, Pusher by);
  bool ask_for_life(Run& run, GstClockTime now);

  // The same that rtpsession gives packets their times from.
  const Ref<GstClock> clock_ = adopt(gst_system_clock_obtain());
  mutable std::mutex mutex_;
  std::condition_variable wake_, emptied_;
  std::optional<Run> run_;  // under mutex_
};

}  // namespace campaign
