#include "transportfeedback.hpp"

#include <algorithm>

namespace campaign {
namespace {

// Feedback that speaks of more than half of the numbers there are cannot be told from older feedback.
constexpr guint kMostPackets = 1 << 15;

// GValueArray is what 1.22 sends; its replacement in newer versions may be any of GStreamer's own.
template <class F>
void for_each(const GValue* list, F&& f) {
  if (GST_VALUE_HOLDS_ARRAY(list)) {
    for (guint i = 0; i < std::min(gst_value_array_get_size(list), kMostPackets); ++i)
      f(gst_value_array_get_value(list, i));
  } else if (GST_VALUE_HOLDS_LIST(list)) {
    for (guint i = 0; i < std::min(gst_value_list_get_size(list), kMostPackets); ++i)
      f(gst_value_list_get_value(list, i));
  } else {
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    if (!G_VALUE_HOLDS(list, g_value_array_get_type())) return;
    auto* array = static_cast<GValueArray*>(g_value_get_boxed(list));
    for (guint i = 0; array && i < std::min(array->n_values, kMostPackets); ++i) f(&array->values[i]);
    G_GNUC_END_IGNORE_DEPRECATIONS
  }
}

std::optional<GstClockTime> time_in(const GstStructure* packet, const char* field) {
  guint64 time = 0;
  if (!gst_structure_get_uint64(packet, field, &time) || time > G_MAXINT64) return std::nullopt;
  return time;
}

}  // namespace

void TransportFeedback::on_sent(std::uint16_t first, std::uint16_t count, GstClockTime at) {
  next_ = std::uint16_t(first + count);
  for (std::uint16_t number = first; number != next_; ++number)
    sent_[number % kRemembered] = {number, first, next_, at};
}

std::span<const congestion::PacketFeedback> TransportFeedback::read(const GstStructure* event) {
  packets_.clear();
  const GValue* list = gst_structure_get_value(event, "packets");
  if (list) for_each(list, [this](const GValue* packet) { take(packet); });
  return packets_;
}

void TransportFeedback::take(const GValue* value) {
  if (!GST_VALUE_HOLDS_STRUCTURE(value)) return;
  const GstStructure* packet = gst_value_get_structure(value);
  guint number = 0;
  gboolean lost = FALSE;
  if (!packet || !gst_structure_get_uint(packet, "seqnum", &number) || number > G_MAXUINT16) return;
  gst_structure_get_boolean(packet, "lost", &lost);
  const auto remote = time_in(packet, "remote-ts"), local = time_in(packet, "local-ts");
  if (!lost && !remote) return;
  if (local) follow_numbers(std::uint16_t(number), *local);
  congestion::PacketFeedback feedback{std::uint16_t(number - apart_), std::nullopt};
  if (!lost) feedback.received = remote_.unwrap(congestion::Timestamp::ns(std::int64_t(*remote)));
  packets_.push_back(feedback);
}

// rtpsession's time of a packet is when it got it from us: between the push it was in and the next one.
bool TransportFeedback::went_out_at(std::uint16_t number, GstClockTime local) const {
  const Sent& packet = sent_[number % kRemembered];
  if (packet.number != number || !GST_CLOCK_TIME_IS_VALID(packet.at) || packet.at > local) return false;
  const Sent& next = sent_[packet.following % kRemembered];
  return packet.following == next_ || (next.number == packet.following && local <= next.at);
}

// The first number of what was pushed then.
std::optional<std::uint16_t> TransportFeedback::number_at(GstClockTime local) const {
  for (std::size_t back = 1; back <= kRemembered; ++back) {
    const auto number = std::uint16_t(next_ - back);
    const Sent& packet = sent_[number % kRemembered];
    if (packet.number != number || !GST_CLOCK_TIME_IS_VALID(packet.at)) break;
    if (packet.at <= local) return went_out_at(number, local) ? std::optional(packet.first) : std::nullopt;
  }
  return std::nullopt;
}

void TransportFeedback::follow_numbers(std::uint16_t theirs, GstClockTime local) {
  const bool first_of_push = last_local_ && *last_local_ != local;
  last_local_ = local;
  if (went_out_at(std::uint16_t(theirs - apart_), local)) {
    other_seen_ = 0;
    return;
  }
  if (!first_of_push) return;  // of packets with one time only the first can be told
  const auto ours = number_at(local);
  if (!ours) return;
  const auto apart = std::uint16_t(theirs - *ours);
  other_seen_ = apart == other_apart_ ? other_seen_ + 1 : 1;
  other_apart_ = apart;
  if (other_seen_ < kSure) return;
  apart_ = apart;
  other_seen_ = 0;
}

}  // namespace campaign
