// The engine on the processor: native SIMD on a few threads.
#pragma once

#include "particles/engine.hpp"

namespace campaign::particles {

// `threads` 0 takes one for each processor, up to kMostThreads.
inline constexpr unsigned kMostThreads = 64;
std::unique_ptr<Engine> make_cpu_engine(unsigned threads = 0);

}  // namespace campaign::particles
