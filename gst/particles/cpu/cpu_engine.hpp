// The engine on the processor: native SIMD on a few threads.
#pragma once

#include "particles/engine.hpp"
#include "util/workers.hpp"

namespace campaign::particles {

// `threads` of its own, the caller's included; 0 shares one for each processor with all others who say so, up
// to kMostThreads, and works with those who have nothing else to do.
inline constexpr unsigned kMostThreads = Workers::kMost;
std::unique_ptr<Engine> make_cpu_engine(unsigned threads = 0);

}  // namespace campaign::particles
