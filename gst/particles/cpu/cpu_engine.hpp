// The engine on the processor: native SIMD on a few threads.
#pragma once

#include "particles/engine.hpp"

namespace campaign::particles {

// `threads` 0 takes one for each processor, up to kMostThreads: each has accumulators of its own.
inline constexpr unsigned kMostThreads = 8;
std::unique_ptr<Engine> make_cpu_engine(unsigned threads = 0);

}  // namespace campaign::particles
