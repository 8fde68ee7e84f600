#include "particles/cpu/sorted_light.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace campaign::particles::cpu {
namespace {

constexpr uint64_t kRemembered = 30;        // states since a picture was drawn
constexpr uint64_t kMostSums = 384u << 10;  // bytes of a band's sums, to stay in the second cache

bool same(const Vec4& a, const Vec4& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool same_aspect(const Want& a, const Want& b) {
  return uint64_t{a.width} * b.height == uint64_t{b.width} * a.height;
}

// As few bands as fit all these pictures; 0 when none do.
uint32_t bands_for(std::span<const Want> wants) {
  uint32_t common = 0, widest = 0, highest = 0;
  for (const Want& want : wants) {
    if (want.height % 2 != 0) return 0;
    common = std::gcd(common, want.height / 2);
    widest = std::max(widest, want.width);
    highest = std::max(highest, want.height);
  }
  for (uint32_t bands = kFewestBands; bands <= std::min(kMostBands, common); ++bands) {
    if (common % bands == 0 && uint64_t{highest / bands} * (widest + 63) / 64 * 64 * 16 <= kMostSums)
      return bands;
  }
  return 0;
}

}  // namespace

void Wants::note(const void* who, const Want& want, uint64_t state) {
  entries_.with([&](auto& entries) {
    auto* place = &entries[0];
    for (auto& entry : entries) {
      if (entry.who == who) {
        entry = {who, want, state};
        return;
      }
      if (entry.state < place->state) place = &entry;
    }
    if (!place->who || place->state + kRemembered < state) *place = {who, want, state};
  });
}

size_t Wants::current(uint64_t state, std::array<Want, kMost>& all) const {
  const size_t count = entries_.with([&](const auto& entries) {
    size_t found = 0;
    for (const auto& entry : entries) {
      if (entry.who && entry.state + kRemembered >= state) all[found++] = entry.want;
    }
    return found;
  });
  return count > 1 ? count : 0;
}

void SortedLight::prepare(std::span<const Want> wants, const Viewpoint& sight, const Step& step,
                          unsigned workers) {
  used_ = 0;
  if (wants.empty()) return;
  const Want& first = *std::ranges::max_element(wants, {}, &Want::particles);
  std::array<Want, Wants::kMost> alike;
  size_t count = 0;
  for (const Want& want : wants) {
    if (same_aspect(want, first) && place_bits(want.width, want.height) == kPlaceBits) alike[count++] = want;
  }
  if (count < 2) return;
  cut_.count = bands_for({alike.data(), count});
  if (cut_.count == 0) return;

  const uint32_t there = std::min(sight.particles, step.params.count.x);
  uint32_t begin = 0;
  while (true) {
    uint32_t end = UINT32_MAX;  // the next of the numbers that somebody draws
    for (size_t i = 0; i < count; ++i) {
      const uint32_t drawn = std::min(alike[i].particles, there);
      if (drawn > begin) end = std::min(end, drawn);
    }
    if (end == UINT32_MAX) break;
    if (segments_.size() == used_) segments_.push_back(std::make_unique<Segment>(workers));
    Segment& segment = *segments_[used_++];
    segment.begin = begin;
    segment.end = end;
    segment.lights.clear(cut_.count, end - begin);
    segment.glows.clear(cut_.count, (end - begin) / kGlowStride + 1);
    begin = end;
  }
  view_ = sight.view(first.width, first.height, begin);
  std::ranges::copy(step.cohorts, cohorts_.begin());
}

uint64_t SortedLight::bytes() const {
  uint64_t sum = 0;
  for (const auto& segment : segments_) sum += segment->lights.bytes() + segment->glows.bytes();
  return sum;
}

SortedLight::Segments SortedLight::segments_of(const ViewParams& view,
                                               std::span<const Cohort, kClasses> cohorts) const {
  if (used_ == 0 || view.place.x != kPlaceBits || view.raster.y % (2 * cut_.count) != 0) return {};
  if (!same(view.column, view_.column) || !same(view.row, view_.row) || !same(view.depth, view_.depth) ||
      view.light.x != view_.light.x || view.light.y != view_.light.y ||
      std::memcmp(cohorts.data(), cohorts_.data(), cohorts.size_bytes()) != 0) {
    return {};
  }
  for (size_t i = 0; i < used_; ++i) {
    if (segments_[i]->end == view.target.y) return {segments_.data(), i + 1};
  }
  return {};
}

}  // namespace campaign::particles::cpu
