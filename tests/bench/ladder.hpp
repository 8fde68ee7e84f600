// What the default ladder costs beside a single frame: 1M particles moved once, and each rung drawn by a
// renderer in a thread of its own behind a queue of one state, as a tee feeds them in a pipeline.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

namespace campaign::bench {

// Turns of ladders and of frames of the largest rung alone, one after the other, so that a machine that
// changes its speed changes it for both. An iteration is a turn, and its time that of a ladder; the counters
// are medians over the turns: `alone_ms` of a frame alone, `times` how many of those a ladder takes,
// `cpu_times` the same in processor time of all threads.
void run_ladder(benchmark::State& state, const std::string& device);

}  // namespace campaign::bench
