// All viewings of a run put together, as a table for people and as JSON for programs. Plain C++, any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipelines/load/options.hpp"
#include "pipelines/load/viewing_result.hpp"

namespace campaign::load {

// Of a sample: the smallest value that at least this part of all does not exceed (nearest rank).
struct Spread {
  std::size_t count = 0;
  Time p50{}, p95{}, max{};
};
Spread spread_of(std::vector<Time> values);

struct RunCost {
  Time elapsed{};
  Time cpu{};  // of this process, user and system
};

class Report {
 public:
  Report(const Options& options, std::vector<ViewingResult> viewings, RunCost cost);

  unsigned viewers_without_frames() const { return without_frames_; }
  bool good() const { return without_frames_ == 0 && failures_.empty(); }
  std::string table() const;
  std::string json() const;

 private:
  const Options& options_;
  std::vector<ViewingResult> viewings_;
  RunCost cost_;
  ReceptionCounters total_;
  std::map<std::string, unsigned> failures_;
  unsigned joined_ = 0, without_frames_ = 0;
  Spread offer_, join_, first_frame_, switch_, pause_;
  std::uint64_t switches_asked_ = 0, switches_refused_ = 0, switches_done_ = 0, campaign_switches_ = 0;
  std::uint64_t decoded_ = 0, decode_errors_ = 0;
  double frame_rate_ = 0, lowest_frame_rate_ = 0;  // of all, and of the worst viewing of a second or more
  double viewer_seconds_ = 0;
};

}  // namespace campaign::load
