// Feeds anything to the reader of rtpsession's feedback events, and what it lets through to the estimator
// behind it. Each packet of an event is written by a few bytes: fields that are there or not, of the right
// type or not, with any value.
#include <gst/gst.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "congestion/bandwidth_estimator.hpp"
#include "transportfeedback.hpp"
#include "util/gst_ptr.hpp"

namespace {

using campaign::TransportFeedback;
using campaign::congestion::BandwidthEstimator;
using campaign::congestion::DataSize;
using campaign::congestion::Timestamp;

void require(bool promise) {
  if (!promise) std::abort();
}

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  bool empty() const { return at_ == end_; }
  std::uint64_t take(int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | (empty() ? 0 : *at_++);
    return value;
  }

 private:
  const std::uint8_t *at_, *end_;
};

void set_number(GstStructure* packet, const char* field, std::uint64_t kind, std::uint64_t value) {
  switch (kind % 5) {
    case 0:
      gst_structure_set(packet, field, G_TYPE_UINT64, guint64(value), nullptr);
      break;
    case 1:
      gst_structure_set(packet, field, G_TYPE_UINT, guint(value), nullptr);
      break;
    case 2:
      gst_structure_set(packet, field, G_TYPE_INT64, gint64(value), nullptr);
      break;
    case 3:
      gst_structure_set(packet, field, G_TYPE_STRING, "many", nullptr);
      break;
    case 4:
      break;  // left out
  }
}

void append(GValue* list, int shape, GValue* value) {
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  if (shape == 0)
    g_value_array_append(static_cast<GValueArray*>(g_value_get_boxed(list)), value);
  else if (shape == 1)
    gst_value_array_append_value(list, value);
  else
    gst_value_list_append_value(list, value);
  G_GNUC_END_IGNORE_DEPRECATIONS
  g_value_unset(value);
}

void make_list(GValue* list, int shape) {
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  if (shape == 0)
    g_value_take_boxed(g_value_init(list, g_value_array_get_type()), g_value_array_new(0));
  else
    g_value_init(list, shape == 1 ? GST_TYPE_ARRAY : GST_TYPE_LIST);
  G_GNUC_END_IGNORE_DEPRECATIONS
}

// A byte for the list's shape, then packets: what each field is, the number, and two times.
campaign::StructurePtr event_from(Bytes& bytes) {
  campaign::StructurePtr event(gst_structure_new_empty(TransportFeedback::kEvent));
  const auto shape = bytes.take(1);
  if (shape % 16 == 15) return event;  // no list
  if (shape % 16 == 14) {
    gst_structure_set(event.get(), "packets", G_TYPE_STRING, "none", nullptr);
    return event;
  }
  GValue list = G_VALUE_INIT;
  make_list(&list, int(shape % 3));
  for (auto count = bytes.take(1); count > 0 && !bytes.empty(); --count) {
    GValue value = G_VALUE_INIT;
    const auto kinds = bytes.take(2);
    if (kinds % 64 == 63) {  // no packet at all
      g_value_set_uint64(g_value_init(&value, G_TYPE_UINT64), bytes.take(8));
      append(&list, int(shape % 3), &value);
      continue;
    }
    GstStructure* packet = gst_structure_new_empty("RTPTWCCPacket");
    set_number(packet, "seqnum", kinds % 8 == 7 ? kinds : 1, bytes.take(kinds % 32 == 31 ? 4 : 2));
    set_number(packet, "local-ts", kinds / 8 % 8 == 7 ? kinds : 0, bytes.take(8));
    set_number(packet, "remote-ts", kinds / 64 % 8 == 7 ? kinds : 0, bytes.take(8));
    if (kinds / 512 % 4 != 0)
      gst_structure_set(packet, "lost", G_TYPE_BOOLEAN, gboolean(kinds / 2048 % 2), nullptr);
    g_value_take_boxed(g_value_init(&value, GST_TYPE_STRUCTURE), packet);
    append(&list, int(shape % 3), &value);
  }
  gst_structure_take_value(event.get(), "packets", &list);
  return event;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool initialised = (gst_init(nullptr, nullptr), true);
  (void)initialised;
  Bytes bytes(data, size);
  TransportFeedback feedback;
  BandwidthEstimator::Config config;
  BandwidthEstimator estimator(config);
  std::uint16_t number = std::uint16_t(bytes.take(2));
  std::int64_t now = 1'000'000'000;
  while (!bytes.empty()) {
    for (auto packets = bytes.take(1) % 32; packets > 0;) {
      now += 1'000'000;
      const auto together = std::min(packets, 1 + packets % 4);
      feedback.on_sent(number, std::uint16_t(together), GstClockTime(now));
      packets -= together;
      for (auto i = together; i > 0; --i)
        estimator.on_packet_sent(Timestamp::ns(now), number++, DataSize::bytes(1200));
    }
    now += std::int64_t(bytes.take(1)) * 1'000'000;
    const auto event = event_from(bytes);
    const auto packets = feedback.read(event.get());
    require(packets.size() <= 1 << 15);
    for (const auto& packet : packets)
      if (packet.received) require(std::abs(packet.received->ns()) < std::int64_t(1) << 62);
    estimator.on_feedback(Timestamp::ns(now), packets);
    require(estimator.target() >= config.least && estimator.target() <= config.most);
  }
  return 0;
}
