// See parameter_sets.hpp. NAL unit types are those of H.264, table 7-1; the byte stream is its annex B.
#include "campaign/parameter_sets.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace campaign {
namespace {

using Bytes = std::span<const std::uint8_t>;

enum NalType : std::uint8_t {
  kFirstSlice = 1,
  kLastSlice = 5,
  kSequenceSet = 7,
  kPictureSet = 8,
  kDelimiter = 9
};

// Of the next start code at or after `from`, with the zeros before it; the end if there is none.
std::size_t next_start(Bytes unit, std::size_t from) {
  static constexpr std::array<std::uint8_t, 3> kStartCode = {0, 0, 1};
  const auto found =
      std::search(unit.begin() + std::ptrdiff_t(from), unit.end(), kStartCode.begin(), kStartCode.end());
  auto start = std::size_t(found - unit.begin());
  while (found != unit.end() && start > from && unit[start - 1] == 0) --start;
  return start;
}

// Of the header behind the start code at `start`; the end if there is none.
std::size_t header_at(Bytes unit, std::size_t start) {
  while (start < unit.size() && unit[start] == 0) ++start;
  return std::min(start + 1, unit.size());
}

void append(std::vector<std::uint8_t>& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace

std::optional<ParameterSets::Missing> ParameterSets::look(Bytes unit, bool key_frame) {
  std::size_t start = next_start(unit, 0), behind_delimiter = start;
  bool has_sequence = false, has_picture = false;
  while (start < unit.size()) {
    const std::size_t header = header_at(unit, start);
    if (header >= unit.size()) break;
    const unsigned type = unit[header] & 0x1f;
    if (type >= kFirstSlice && type <= kLastSlice) break;
    const std::size_t end = next_start(unit, header);
    const Bytes nal = unit.subspan(start, end - start);
    if (type == kSequenceSet) {
      if (!std::exchange(has_sequence, true)) sequence_.clear();
      append(sequence_, nal);
    } else if (type == kPictureSet) {
      if (!std::exchange(has_picture, true)) picture_.clear();
      append(picture_, nal);
    } else if (type == kDelimiter) {
      behind_delimiter = end;
    }
    start = end;
  }
  if (!key_frame || (has_sequence && has_picture)) return std::nullopt;
  both_.clear();
  if (!has_sequence) append(both_, sequence_);
  if (!has_picture) append(both_, picture_);
  if (both_.empty()) return std::nullopt;
  return Missing{has_sequence ? start : behind_delimiter, both_};
}

}  // namespace campaign
