// The ladder: the qualities a campaign is encoded in, the lowest first, each at most once.
// DESIGN: a rung is chosen by the estimated bandwidth, and its encoder stays at or below 90 % of the
// threshold that admits it, so that choosing it cannot cause the congestion that unchooses it. Immutable,
// safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace campaign {

inline constexpr std::size_t kLargestLadderText = 8 * 1024;  // bytes
inline constexpr std::size_t kMostRungs = 8;
inline constexpr std::uint64_t kLeastBitrate = 10'000;  // bit/s, of any rung

struct Rung {
  std::string name;             // an id (util/id.hpp), unique, not "auto"
  std::uint64_t threshold = 0;  // bit/s: chosen when the estimate is at least this; 0 for the lowest
  std::uint32_t particles = 0;  // how many of the world's particles are drawn
  int width = 0, height = 0;    // pixels, even
  int max_framerate = 0;        // frames per second; 0: the source's own rate
  std::uint64_t bitrate = 0;    // bit/s, of the encoder

  bool operator==(const Rung&) const = default;
};

class Ladder {
 public:
  Ladder();  // the default one: low, medium, high, ultra

  // Rungs from `{"rungs": [{"name": "low", "threshold": 0, "particles": 100000, "width": 640, "height": 360,
  // "max_framerate": 30, "bitrate": 450000}, …]}`, the lowest first. Only max_framerate may be left out, and
  // what is drawn where only the rates are of interest; it is 0 then.
  enum class Use { all, rates };
  static Result<Ladder> parse(std::string_view json, Use use = Use::all);
  // The rates of these rungs, which are there whatever they are: put in order, and thresholds raised to where
  // a rung may be chosen. What has another's name or threshold, or comes after kMostRungs, is left out.
  // Without any it is the default one.
  static Ladder of(std::vector<Rung> rungs);
  // The same when this percentage is sent beside each rung: what it takes, and what admits it.
  Ladder with_more(unsigned percentage) const;
  std::string to_json() const;

  std::span<const Rung> rungs() const { return rungs_; }
  std::size_t size() const { return rungs_.size(); }  // 1 to kMostRungs
  std::size_t top() const { return rungs_.size() - 1; }
  const Rung& operator[](std::size_t index) const { return rungs_[index]; }
  std::optional<std::size_t> find(std::string_view name) const;

  // The highest rung that an estimate, in bit/s, admits. The lowest is always admitted.
  std::size_t rung_for(std::uint64_t estimate) const;

  bool operator==(const Ladder&) const = default;

 private:
  explicit Ladder(std::vector<Rung> rungs) : rungs_(std::move(rungs)) {}

  std::vector<Rung> rungs_;
};

}  // namespace campaign
