// Feeds anything to the parser of what viewers say; whatever it lets through must keep its promises.
// libFuzzer's entry, and the one of the seeded test that runs everywhere.
#include "signalling/viewer_message.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "signalling/server_message.hpp"
#include "util/id.hpp"

namespace {

using namespace campaign::signalling;

void require(bool promise) {
  if (!promise) std::abort();
}

struct Promises {
  void operator()(const Answer& answer) const {
    require(!answer.sdp.empty() && answer.sdp.find('\0') == std::string::npos);
  }
  void operator()(const IceCandidate& ice) const {
    require(ice.sdp_m_line_index < 16 && ice.candidate.size() <= 2048);
    for (unsigned char c : ice.candidate) require(c >= 0x20 && c < 0x7f);
  }
  void operator()(const Subscribe& wish) const {
    require(campaign::is_valid_id(wish.campaign) && campaign::is_valid_id(wish.quality));
  }
  void operator()(const Pointer& pointer) const {
    require(pointer.x >= 0 && pointer.x <= 1 && pointer.y >= 0 && pointer.y <= 1);
    require(std::abs(pointer.dx) <= 1000 && std::abs(pointer.dy) <= 1000);
    const bool clicks = pointer.event == Pointer::Event::press || pointer.event == Pointer::Event::release;
    require(clicks ? pointer.button >= 1 && pointer.button <= 32 : pointer.button == 0);
  }
  void operator()(const ViewerStats& stats) const {
    require(stats.numbers.size() <= 32);
    for (const auto& [name, value] : stats.numbers) require(campaign::is_valid_id(name) && std::isfinite(value));
  }
  void operator()(const Ping&) const {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = parse_viewer_message({reinterpret_cast<const char*>(data), size});
  if (message)
    std::visit(Promises{}, *message);
  else
    require(!message.error().message.empty() && to_json(message.error()).size() < 1024);
  return 0;
}
