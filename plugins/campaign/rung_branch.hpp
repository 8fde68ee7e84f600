// One rung of a campaign that is encoded here, or the only one that comes encoded: a branch of elements
// behind an input's tee, from a queue to the tap that hands access units to the rendition. A rung that nobody
// watches lets nothing in, so that it is neither drawn nor encoded. attach() and detach() run in state
// changes, or on the upstream's streaming thread; the rest on any.
#pragma once

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "campaign/frame_budget.hpp"
#include "campaign/frame_times.hpp"
#include "campaign/world_size.hpp"
#include "encoder.hpp"
#include "util/gst_ptr.hpp"
#include "util/guarded.hpp"
#include "util/result.hpp"
#include "viewer/rendition.hpp"
#include "viewer/startable_units.hpp"

namespace campaign {

struct RungPlan {
  std::string quality;
  std::uint64_t rank = 0;       // bit/s of bandwidth that admit it
  std::uint64_t bitrate = 0;    // bit/s, of the encoder
  int width = 0, height = 0;    // 0: as it comes in
  double framerate = 0;         // after max_framerate
  int max_framerate = 0;        // the source is faster than this; 0: it is not
  std::uint32_t particles = 0;  // to draw, of a state; 0: it is video that comes in
  bool below_ladder = false;    // for networks too slow for the lowest quality; nobody may choose it

  bool operator==(const RungPlan&) const = default;
};

class RungBranch : public std::enable_shared_from_this<RungBranch> {
 public:
  ~RungBranch();

  // Raw video, or a state of particles, to be encoded.
  static Result<std::shared_ptr<RungBranch>> encoding(RungPlan plan, OpenEncoder encoder);
  static Result<std::shared_ptr<RungBranch>> passing(RungPlan plan, Codec codec);

  // `bin` outlives this. The entry is the tee's pad, or whatever feeds it.
  Result<void> attach(GstBin* bin, GstElement* before, const char* pad_name);
  void detach();

  const RungPlan& plan() const { return plan_; }
  // Whether the branch does for `plan` what it does now: then only names and rates differ. configure() only.
  bool suits(const RungPlan& plan) const;
  void set_plan(const RungPlan& plan);
  Codec codec() const { return codec_; }
  bool encodes() const { return bool(encoder_.element); }
  std::string encoder_name() const;
  // Whether `element`, or the one that it is a part of, is of this attached branch. Any thread.
  bool has(GstObject* element) const;

  void set_rendition(std::shared_ptr<viewer::Rendition> rendition);
  std::shared_ptr<viewer::Rendition> rendition() const { return rendition_.snapshot(); }
  void set_epoch(GstClockTime epoch) { epoch_ = epoch; }
  void set_bitrate(std::uint64_t bits_per_second);
  void set_watched(bool by_anybody);
  // Of the state that comes in, which may be too small when the rung is watched again. Before attach().
  void set_world(std::shared_ptr<const WorldSize> world) { world_ = std::move(world); }
  // How many particles it draws now, or would if it were watched. The feeding thread.
  std::uint32_t particles() const { return budget_.work().particles; }
  // Whether it draws what comes.
  bool is_drawing() const { return watched_ || !warm_; }
  // How much of the time between two pictures drawing and encoding one may take, before there are fewer
  // particles and pictures; 0: there never are.
  void set_frame_budget(double share) { budget_share_ = share; }
  // From the tap up to the source; takes the event.
  void send_upstream(GstEvent* event);

 private:
  RungBranch(RungPlan plan, Codec codec);
  static GstPadProbeReturn admit(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstFlowReturn timed_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  void measure();
  void apply(const FrameBudget::Work& work);
  GstFlowReturn take_unit(GstAppSink* appsink);

  RungPlan plan_;  // what differs in set_plan() is the configuring thread's
  const Codec codec_;
  OpenEncoder encoder_;
  GstBin* bin_ = nullptr;
  std::vector<Ref<GstElement>> elements_;  // in the order of the flow, the tap last
  Ref<GstPad> feeder_;                     // a tee's pad, to be given back
  Guarded<Ref<GstPad>> tap_;
  Guarded<std::shared_ptr<viewer::Rendition>> rendition_;
  std::atomic<GstClockTime> epoch_ = GST_CLOCK_TIME_NONE;
  std::atomic<bool> watched_ = false;
  std::atomic<bool> waking_ = false;        // watched again, and nothing was let in yet
  std::shared_ptr<const WorldSize> world_;  // the feeding thread's; null: it is video that comes in
  // An encoder that has given a unit has shown that it works, and is warm when the first viewer comes.
  std::atomic<bool> warm_ = false;
  std::atomic<double> budget_share_ = FrameBudget::kDefaultShare;
  FrameTimes times_;                     // done() on the drawing thread, came() on the feeding one
  FrameBudget budget_;                   // the feeding thread's
  double framerate_limit_ = 0;           // the feeding thread's; 0: none
  GstClockTime next_due_ = 0;            // the feeding thread's
  GstElement* renderer_ = nullptr;       // one of elements_, if it is a state that comes in
  GstPadChainFunction chain_ = nullptr;  // of what the queue feeds
  Ref<GstCaps> published_caps_;          // the tap's thread
  viewer::StartableUnits startable_;     // the tap's thread
};

}  // namespace campaign
