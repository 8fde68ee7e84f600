// What stands behind one sink pad: clocksync, a tee, and behind it the rungs, which draw, scale and encode
// the one state or video that comes in, or pass on what comes encoded. configure() runs on the upstream's
// streaming thread, open() and close() in state changes.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "campaign/ladder.hpp"
#include "rung_branch.hpp"

namespace campaign {

struct InputSettings {
  Codec codec = Codec::h264;
  std::string encoder;        // empty: the best that opens
  std::uint64_t bitrate = 0;  // bit/s, of the best rung; 0: as the ladder or the picture's size says
  Ladder ladder;
  double frame_budget = FrameBudget::kDefaultShare;  // as RungBranch::set_frame_budget
};

class Input {
 public:
  // What a rung's units go to: the rendition that a rung of this name had before, or a new one.
  using MakeRendition = std::function<std::shared_ptr<viewer::Rendition>(
      const std::shared_ptr<RungBranch>&, std::shared_ptr<viewer::Rendition> before)>;

  // `bin` outlives this and owns the elements.
  explicit Input(GstBin* bin);
  ~Input();

  GstPad* entry() const { return entry_.get(); }  // what the ghost pad targets
  bool is_open() const { return is_open_; }

  Result<void> open(InputSettings settings, std::function<void(GstElement*)> encoder_setup);
  void close();

  // For the caps that are about to arrive. `quality`: the only one, or empty for the ladder. The renditions
  // that are gone are in `retired`.
  Result<void> configure(GstCaps* caps, const std::string& quality, const MakeRendition& make,
                         std::vector<std::shared_ptr<viewer::Rendition>>& retired);
  std::vector<std::shared_ptr<viewer::Rendition>> renditions() const;
  std::vector<std::shared_ptr<viewer::Rendition>> take_renditions();
  bool has(GstObject* element) const;  // any thread

  void set_bitrate(std::uint64_t bits_per_second);
  void set_frame_budget(double share);
  void set_epoch(GstClockTime epoch);
  void set_ladder(Ladder ladder);  // for the next configure()

  static Ref<GstCaps> encoded_caps();
  static Ref<GstCaps> state_caps();  // empty where nothing draws states

 private:
  using Rungs = std::vector<std::shared_ptr<RungBranch>>;

  Result<OpenEncoder> next_encoder();
  Result<void> build(const std::vector<RungPlan>& plans, std::optional<Codec> encoded);
  void drop_rungs();
  static GstPadProbeReturn before_rungs(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void size_world();

  GstBin* bin_;
  Ref<GstElement> clocksync_, tee_;
  Ref<GstPad> entry_;
  bool is_open_ = false;
  std::function<void(GstElement*)> encoder_setup_;
  Rungs dropped_;  // the last ones, until it is certain that nobody changes their states any more
  // Of the state that comes in; the feeding thread's. Null: it is video.
  std::shared_ptr<WorldSize> world_;
  Guarded<InputSettings> settings_;
  Guarded<Rungs> rungs_;
  std::atomic<GstClockTime> epoch_ = GST_CLOCK_TIME_NONE;
  std::atomic<std::uint64_t> automatic_bitrate_ = 0;  // bit/s, of the best rung
};

}  // namespace campaign
