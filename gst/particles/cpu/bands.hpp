// Light on its way to the picture, sorted by where it falls. Particles light pixels at random, and in an
// accumulator of the whole picture nearly every one of them would wait for memory. So each worker appends its
// particles' light to lists, one for each band of rows, and a band's lists are summed where the band fits
// into the cache, and become video there: a frame costs memory in proportion to its particles, whatever the
// size of its picture and the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "particles/cpu/array.hpp"

namespace campaign::particles::cpu {

inline constexpr uint32_t kPad = 64;  // rows of pixels and arrays of particles are multiples of this

// Bits 0 to 15: the pixel within its band; from bit 16 on 16 bits each of red, green and blue. Or, for
// pictures of several sizes, a place: see sorted_light.hpp.
using Record = uint64_t;

// `kBlockRecords`: a power of two. Lists grow by blocks of so many records; small ones waste less where many
// lists stay short, large ones are faster.
template <size_t kBlockRecords>
class Bands {
  static constexpr size_t kBlockBytes = kBlockRecords * sizeof(Record);

 public:
  // The open ends of one worker's lists; its thread only.
  class Lists {
   public:
    // `band` below Bands::count(), or equal to it for what is not on the picture.
    void append(uint32_t band, Record record) {
      Record*& next = next_[band];
      __builtin_prefetch(next + 2 * kAlign / sizeof(Record), 1);
      *next++ = record;
      if (reinterpret_cast<uintptr_t>(next) % kBlockBytes == 0) [[unlikely]]
        turn_over(band);
    }

   private:
    friend class Bands;
    void turn_over(uint32_t band);
    std::vector<Record*> next_;   // by band: where the next record goes, never at the end of a block
    std::vector<uint32_t> last_;  // by band: the block that is written to
    Bands* bands_ = nullptr;
  };

  explicit Bands(unsigned workers) : lists_(workers) {}

  // Room for `records` records in all in `count` bands, and no record in any of them.
  void clear(uint32_t count, uint64_t records);

  uint32_t count() const { return count_; }
  uint64_t bytes() const { return records_.bytes() + before_.size() * sizeof(uint32_t); }
  Lists& of_worker(unsigned worker) { return lists_[worker]; }

  // Calls f(first, end, next) for every run of records of this band, after whose end a vector more can be
  // read. While nobody appends. `next` is where the run after it begins, or another place in memory where
  // there is none: whoever reads a run fetches at the same pace what is to be read next.
  template <class F>
  void each_run(uint32_t band, F&& f) const {
    for (const auto& lists : lists_) {
      const Record* end = lists.next_[band];
      for (uint32_t block = lists.last_[band]; block != kNone; block = before_[block]) {
        const Record* begin = begin_of(block, band);
        const uint32_t before = before_[block];
        const Record* const next = before != kNone ? block_at(before) : begin;
        if (begin != end) f(begin, end, next);
        end = next + kBlockRecords;
      }
    }
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  // Lists that grow alike must not meet in the same cache sets: each starts elsewhere in its first block.
  static uint32_t first_offset(uint32_t band) {
    return band * 7 % (kBlockBytes / kAlign) * (kAlign / sizeof(Record));
  }
  const Record* begin_of(uint32_t block, uint32_t band) const {
    return block_at(block) + (before_[block] == kNone ? first_offset(band) : 0);
  }
  Record* block_at(uint32_t block) const { return records_.get() + block * kBlockRecords; }

  uint32_t count_ = 0;
  std::vector<Lists> lists_;
  Array<Record> records_;         // blocks
  std::vector<uint32_t> before_;  // by block: the one before it in its list
  std::atomic<uint32_t> used_ = 0;
};

template <size_t kBlockRecords>
void Bands<kBlockRecords>::Lists::turn_over(uint32_t band) {
  if (band == bands_->count_) {  // nobody reads these
    next_[band] -= kBlockRecords;
    return;
  }
  const uint32_t block = bands_->used_.fetch_add(1, std::memory_order_relaxed);
  bands_->before_[block] = last_[band];
  last_[band] = block;
  next_[band] = bands_->block_at(block);
}

template <size_t kBlockRecords>
void Bands<kBlockRecords>::clear(uint32_t count, uint64_t records) {
  const size_t lists = lists_.size() * (size_t{count} + 1);
  // One block to begin a list with, perhaps nearly full by its offset, and one for each block that is full.
  const size_t blocks = 2 * lists + records / kBlockRecords;
  if (before_.size() < blocks) {
    records_ = Array<Record>(blocks * kBlockRecords + kPad, kBlockBytes);
    before_.resize(blocks);
  }
  count_ = count;
  used_ = 0;
  for (auto& worker : lists_) {
    worker.bands_ = this;
    worker.next_.resize(size_t{count} + 1);
    worker.last_.resize(size_t{count} + 1);
    for (uint32_t band = 0; band <= count; ++band) {
      const uint32_t block = used_++;
      before_[block] = kNone;
      worker.last_[band] = block;
      worker.next_[band] = block_at(block) + first_offset(band);
    }
  }
}

using PictureBands = Bands<512>;  // of one picture

}  // namespace campaign::particles::cpu
