// See adaptive.hpp.
#include "viewer/adaptive.hpp"

#include <algorithm>

namespace campaign::viewer {
namespace {

constexpr double kAboveTheBest = 1.2;            // what the policy needs to be shown, and a probe's own loss
constexpr std::uint64_t kLeastMost = 2'500'000;  // bit/s: a key frame of a small rung need not trickle
constexpr std::uint64_t kMostMost = 1'000'000'000;

// No rung needs more, so no probe is faster.
std::uint64_t most_of(const Ladder& ladder) {
  const Rung& best = ladder[ladder.top()];
  const double needed = kAboveTheBest * double(std::max(best.threshold, best.bitrate * 23 / 20));
  return std::clamp(std::uint64_t(needed), kLeastMost, kMostMost);
}

void apply(GstElement* element, const Ladder& rungs, unsigned fec) {
  const Ladder ladder = rungs.with_more(fec);
  g_object_set(element, "max-bitrate", guint64(most_of(ladder)), "ladder", ladder.to_json().c_str(), nullptr);
}

}  // namespace

GstElement* Adaptive::make() {
  GstElement* made = gst_element_factory_make("adaptivebitrate", nullptr);
  if (!made) return nullptr;
  const State state = state_.snapshot();
  apply(made, state.ladder, state.fec);
  g_object_set(made, "start-bitrate", guint64(kStartBandwidth), "wished-quality", state.wished.c_str(),
               nullptr);
  state_.with([&](State& current) {
    if (!current.over) current.element = share(made);
  });
  return made;
}

void Adaptive::set_ladder(const Ladder& ladder) {
  const State state = state_.with([&](State& current) {
    const bool same = current.ladder == ladder;
    current.ladder = ladder;
    return same ? State() : current;
  });
  if (state.element) apply(state.element.get(), state.ladder, state.fec);
}

void Adaptive::send_no_repairs() {
  const State state = state_.with([](State& current) {
    current.fec = 0;
    return current;
  });
  if (state.element) apply(state.element.get(), state.ladder, state.fec);
}

void Adaptive::wish(const std::string& quality) {
  const auto element = state_.with([&](State& state) {
    state.wished = quality;
    return state.element;
  });
  if (element) g_object_set(element.get(), "wished-quality", quality.c_str(), nullptr);
}

Adaptive::Found Adaptive::found() const {
  Found found;
  const auto element = state_.snapshot().element;
  if (!element) return found;
  GstStructure* owned = nullptr;
  g_object_get(element.get(), "stats", &owned, nullptr);
  const StructurePtr holder{owned};
  const GstStructure* stats = owned;
  if (!stats) return found;
  guint64 estimate = 0, thin_to = 0;
  gboolean too_slow = FALSE;
  gst_structure_get(stats, "estimate", G_TYPE_UINT64, &estimate, "too-slow", G_TYPE_BOOLEAN, &too_slow,
                    "thin-to", G_TYPE_UINT64, &thin_to, nullptr);
  found.estimate = estimate;
  found.too_slow = too_slow;
  found.thin_to = thin_to;
  if (const char* quality = gst_structure_get_string(stats, "quality")) found.quality = quality;
  if (const char* reason = gst_structure_get_string(stats, "reason")) found.reason = reason;
  return found;
}

void Adaptive::let_go() {
  const auto element = state_.with([](State& state) {
    state.over = true;
    return std::exchange(state.element, {});
  });
}

}  // namespace campaign::viewer
