// The one table of refusal names and close codes.
#include "signalling/refusal.hpp"

namespace campaign::signalling {
namespace {

struct Row {
  RefusalCode code;
  std::string_view name;
  unsigned short close_code;  // 4000 + the HTTP status that says the same
};

constexpr Row kRows[] = {
    {RefusalCode::bad_message, "bad-message", 4400},
    {RefusalCode::too_large, "too-large", 4413},
    {RefusalCode::unknown_type, "unknown-type", 4400},
    {RefusalCode::bad_id, "bad-id", 4400},
    {RefusalCode::unknown_campaign, "unknown-campaign", 4404},
    {RefusalCode::unknown_quality, "unknown-quality", 4404},
    {RefusalCode::wrong_order, "wrong-order", 4400},
    {RefusalCode::rate_limited, "rate-limited", 4429},
    {RefusalCode::too_slow, "too-slow", 4408},
    {RefusalCode::too_many_viewers, "too-many-viewers", 4503},
    {RefusalCode::not_ready, "not-ready", 4503},
    {RefusalCode::negotiation_failed, "negotiation-failed", 4502},
    {RefusalCode::video_refused, "video-refused", 4415},
    {RefusalCode::negotiation_timeout, "negotiation-timeout", 4504},
    {RefusalCode::origin_refused, "origin-refused", 4403},
    {RefusalCode::draining, "draining", 4503},
    {RefusalCode::internal, "internal", 4500},
};

const Row& row(RefusalCode code) {
  for (const Row& candidate : kRows)
    if (candidate.code == code) return candidate;
  return kRows[std::size(kRows) - 1];
}

}  // namespace

std::string_view Refusal::name() const { return row(code).name; }
std::optional<RefusalCode> Refusal::code_of(std::string_view name) {
  for (const Row& candidate : kRows)
    if (candidate.name == name) return candidate.code;
  return std::nullopt;
}
unsigned short Refusal::close_code() const { return row(code).close_code; }

}  // namespace campaign::signalling
