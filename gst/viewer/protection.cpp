// See protection.hpp.
#include "viewer/protection.hpp"

#include <gst/rtp/rtp.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "congestion/ulpfec.hpp"
#include "util/at_boundary.hpp"
#include "util/network_order.hpp"
#include "viewer/rtp_format.hpp"

namespace campaign::viewer {
namespace {

using congestion::Ulpfec;

constexpr std::uint8_t kMarker = 0x80, kExtension = 0x10, kContributors = 0x0f;  // RFC 3550, 5.1
constexpr unsigned kOneByteExtensions = 0xbede;                                  // RFC 8285, 4.2

// Where the payload begins; nothing of what is not RTP.
std::optional<std::size_t> header_size(std::span<const std::uint8_t> packet) {
  std::size_t size = Ulpfec::kRtpHeader + 4u * (packet[0] & kContributors);
  if (packet[0] & kExtension) {
    if (packet.size() < size + 4) return std::nullopt;
    size += 4 + 4u * read16(&packet[size + 2]);
  }
  return packet.size() >= size ? std::optional(size) : std::nullopt;
}

// The transport-wide number is written on the way out, and receivers take it for 0 in what they repair.
void clear_transport_wide_number(std::span<std::uint8_t> header) {
  std::size_t at = Ulpfec::kRtpHeader + 4u * (header[0] & kContributors);
  if (!(header[0] & kExtension) || read16(&header[at]) != kOneByteExtensions) return;
  at += 4;
  while (at < header.size()) {
    const unsigned id = header[at] >> 4;
    const std::size_t size = id == 0 ? 0 : 1u + (header[at] & 0x0f);
    ++at;
    if (id == kTransportWideId && at + size <= header.size())
      std::fill_n(header.begin() + std::ptrdiff_t(at), size, std::uint8_t(0));
    at += size;
  }
}

// The streaming thread, but for `on`.
class Protection {
 public:
  Protection(GstPad* src, unsigned percentage) : src_(src), fec_(percentage) {}

  std::atomic<bool> on = false;

  GstFlowReturn send(Ref<GstBuffer> media) {
    if (!on) return gst_pad_push(src_, media.release());
    auto list = adopt(gst_buffer_list_new());
    take(std::move(media), list.get());
    return gst_pad_push_list(src_, list.release());
  }

  GstFlowReturn send(Ref<GstBufferList> media) {
    if (!on) return gst_pad_push_list(src_, media.release());
    const guint count = gst_buffer_list_length(media.get());
    auto list = adopt(gst_buffer_list_new_sized(count + count / 2));
    for (guint i = 0; i < count; ++i) take(share(gst_buffer_list_get(media.get(), i)), list.get());
    return gst_pad_push_list(src_, list.release());
  }

 private:
  void take(Ref<GstBuffer> media, GstBufferList* to) {
    const gsize size = gst_buffer_get_size(media.get());
    if (size < Ulpfec::kRtpHeader) return;
    const auto packet = fec_.add(size);
    gst_buffer_extract(media.get(), 0, packet.data(), packet.size());
    const auto header = header_size(packet);
    if (!header) return;
    write16(&packet[2], std::uint16_t(read16(&packet[2]) + repairs_));
    clear_transport_wide_number(packet.first(*header));
    heading_.assign(packet.begin(), packet.begin() + std::ptrdiff_t(*header));

    auto wrapped = in_red(packet[1] & ~kMarker, {});
    gst_buffer_copy_into(wrapped.get(), media.get(),
                         GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS), 0,
                         gsize(-1));
    gst_buffer_copy_into(wrapped.get(), media.get(), GST_BUFFER_COPY_MEMORY, *header, gsize(-1));
    gst_buffer_list_add(to, wrapped.release());
    if (packet[1] & kMarker || fec_.full()) add_repairs(media.get(), to);
  }

  void add_repairs(GstBuffer* media, GstBufferList* to) {
    heading_[1] &= std::uint8_t(~kMarker);
    for (std::size_t i = 0, due = fec_.finish(); i < due; ++i) {
      write16(&heading_[2], std::uint16_t(read16(&heading_[2]) + 1));
      ++repairs_;
      auto repair = in_red(kUlpfecType, fec_.repair(i));
      gst_buffer_copy_into(repair.get(), media,
                           GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS), 0,
                           gsize(-1));
      GST_BUFFER_FLAG_UNSET(repair.get(), GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_DISCONT);
      GST_BUFFER_FLAG_SET(repair.get(), GST_RTP_BUFFER_FLAG_REDUNDANT);
      gst_buffer_list_add(to, repair.release());
    }
  }

  // A packet with the heading of the last one, the one block of which is of this type.
  Ref<GstBuffer> in_red(unsigned type, std::span<const std::uint8_t> payload) const {
    const std::size_t header = heading_.size() + 1;
    auto packet = adopt(gst_buffer_new_allocate(nullptr, header + payload.size(), nullptr));
    const std::uint8_t red[] = {std::uint8_t((heading_[1] & kMarker) | kRedType)},
                       block[] = {std::uint8_t(type)};
    gst_buffer_fill(packet.get(), 0, heading_.data(), heading_.size());
    gst_buffer_fill(packet.get(), 1, red, 1);
    gst_buffer_fill(packet.get(), header - 1, block, 1);
    gst_buffer_fill(packet.get(), header, payload.data(), payload.size());
    return packet;
  }

  GstPad* const src_;
  Ulpfec fec_;
  std::uint16_t repairs_ = 0;  // so many numbers were taken
  std::vector<std::uint8_t> heading_;
};

}  // namespace
}  // namespace campaign::viewer

struct CampaignProtection {
  GstElement parent;
  campaign::viewer::Protection* impl;  // owned
};
struct CampaignProtectionClass {
  GstElementClass parent_class;
};

static GType campaign_protection_get_type();
G_DEFINE_TYPE(CampaignProtection, campaign_protection, GST_TYPE_ELEMENT)

static campaign::viewer::Protection& impl_of(gpointer object) {
  return *static_cast<CampaignProtection*>(object)->impl;
}

static GstFlowReturn protection_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  auto media = campaign::adopt(buffer);
  return campaign::at_boundary(parent, GST_FLOW_ERROR,
                               [&] { return impl_of(parent).send(std::move(media)); });
}

static GstFlowReturn protection_chain_list(GstPad*, GstObject* parent, GstBufferList* list) {
  auto media = campaign::adopt(list);
  return campaign::at_boundary(parent, GST_FLOW_ERROR,
                               [&] { return impl_of(parent).send(std::move(media)); });
}

static void campaign_protection_finalize(GObject* object) {
  delete &impl_of(object);
  G_OBJECT_CLASS(campaign_protection_parent_class)->finalize(object);
}

static void campaign_protection_class_init(CampaignProtectionClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = campaign_protection_finalize;
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Protection of a viewer's packets", "Filter/Network/RTP",
      "Sends repairs along with packets (ULPFEC in RED)", "The gst-campaign authors");
}

static void campaign_protection_init(CampaignProtection* self) {
  GstPad* sink = gst_pad_new("sink", GST_PAD_SINK);
  gst_pad_set_chain_function(sink, protection_chain);
  gst_pad_set_chain_list_function(sink, protection_chain_list);
  GST_PAD_SET_PROXY_CAPS(sink);
  gst_element_add_pad(GST_ELEMENT(self), sink);
  gst_element_add_pad(GST_ELEMENT(self), gst_pad_new("src", GST_PAD_SRC));
}

namespace campaign::viewer {

Ref<GstElement> make_protection(unsigned percentage) {
  auto made = sink(GST_ELEMENT(g_object_new(campaign_protection_get_type(), nullptr)));
  auto* src = GST_PAD(made.get()->srcpads->data);
  reinterpret_cast<CampaignProtection*>(made.get())->impl = new Protection(src, percentage);
  return made;
}

void protect(GstElement* protection, GstElement* webrtcbin, unsigned retransmission_type) {
  const StructurePtr types{gst_structure_new(
      "application/x-rtp-pt-map", std::to_string(kPayloadType).c_str(), G_TYPE_UINT, retransmission_type,
      std::to_string(kRedType).c_str(), G_TYPE_UINT, kRedRetransmissionType, nullptr)};
  GstIterator* senders = gst_bin_iterate_all_by_element_factory_name(GST_BIN(webrtcbin), "rtprtxsend");
  const auto set = [](const GValue* sender, gpointer map) {
    g_object_set(g_value_get_object(sender), "payload-type-map", map, nullptr);
  };
  gst_iterator_foreach(senders, set, types.get());
  gst_iterator_free(senders);
  impl_of(protection).on = true;
}

}  // namespace campaign::viewer
