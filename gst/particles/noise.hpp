// The turbulence that the kernel looks up: the curl of a tiling noise (Bridson et al., "Curl-Noise for
// Procedural Fluid Flow", 2007), baked once, three signed 10-bit components a cell.
#pragma once

#include <cstdint>
#include <vector>

namespace campaign::particles {

// kNoiseSize^3 words; always the same ones, so baked once a process. The largest component is about 1.
const std::vector<uint32_t>& curl_noise();

}  // namespace campaign::particles
