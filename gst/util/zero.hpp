// Zeroes memory that is too large for the caches. Ordinary stores bring each line in before they overwrite
// it, and push out others that are wanted; these go past the caches, in a third of the time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace campaign {

// Seen by other threads like any store.
inline void zero_past_caches(std::span<std::byte> memory) {
#if defined(__SSE2__)
  constexpr size_t kWord = sizeof(__m128i);
  const size_t before =
      std::min(memory.size(), (kWord - reinterpret_cast<uintptr_t>(memory.data()) % kWord) % kWord);
  const size_t words = (memory.size() - before) / kWord;
  std::memset(memory.data(), 0, before);
  auto* to = reinterpret_cast<__m128i*>(memory.data() + before);
  for (size_t i = 0; i < words; ++i) _mm_stream_si128(to + i, _mm_setzero_si128());
  const size_t done = before + words * kWord;
  std::memset(memory.data() + done, 0, memory.size() - done);
  _mm_sfence();
#else
  std::memset(memory.data(), 0, memory.size());
#endif
}

}  // namespace campaign
