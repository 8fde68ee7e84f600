// See upstream.hpp.
#include "upstream.hpp"

#include "util/gst_ptr.hpp"
#include "util/id.hpp"

namespace campaign {
namespace {

constexpr int kMaxUpstreamHops = 64;

// The element's own pad that feeds `pad`.
Ref<GstPad> source_of(Ref<GstPad> pad) {
  auto peer = adopt(gst_pad_get_peer(pad.get()));
  for (int hop = 0; peer && GST_IS_PROXY_PAD(peer.get()) && hop < kMaxUpstreamHops; ++hop) {
    if (GST_IS_GHOST_PAD(peer.get())) {  // into a bin
      peer = adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(peer.get())));
    } else {  // out of the one that `pad` is in
      const auto outer = adopt(GST_PAD(gst_proxy_pad_get_internal(GST_PROXY_PAD(peer.get()))));
      peer = outer ? adopt(gst_pad_get_peer(outer.get())) : Ref<GstPad>{};
    }
  }
  return peer;
}

// The sink pad through which an element gets what it sends on, if there is one only.
Ref<GstPad> only_sink_pad(GstElement* element) {
  GST_OBJECT_LOCK(element);
  const bool one = element->numsinkpads == 1;
  auto pad = share(one ? GST_PAD(element->sinkpads->data) : nullptr);
  GST_OBJECT_UNLOCK(element);
  return pad;
}

// The nearest element first, until one is what is looked for.
template <class IsIt>
bool find_upstream(GstPad* pad, IsIt is_it) {
  auto at = share(pad);
  for (int hop = 0; at && hop < kMaxUpstreamHops; ++hop) {
    const auto source = source_of(at);
    const auto element = source ? adopt(gst_pad_get_parent_element(source.get())) : Ref<GstElement>{};
    if (!element) return false;
    if (is_it(element.get())) return true;
    at = only_sink_pad(element.get());
  }
  return false;
}

std::string campaign_id_of(GstElement* element) {
  GParamSpec* property = g_object_class_find_property(G_OBJECT_GET_CLASS(element), "campaign-id");
  if (!property || property->value_type != G_TYPE_STRING || !(property->flags & G_PARAM_READABLE)) return {};
  char* raw = nullptr;
  g_object_get(element, "campaign-id", &raw, nullptr);
  const CharPtr id{raw};
  return id && is_valid_id(id.get()) ? id.get() : "";
}

}  // namespace

std::string upstream_campaign(GstPad* pad) {
  std::string id;
  const bool found =
      find_upstream(pad, [&](GstElement* element) { return !(id = campaign_id_of(element)).empty(); });
  return found ? id : "0";
}

bool has_other_readers(GstPad* pad) {
  return find_upstream(pad, [](GstElement* element) {
    GST_OBJECT_LOCK(element);
    const bool branches = element->numsrcpads > 1;
    GST_OBJECT_UNLOCK(element);
    return branches;
  });
}

}  // namespace campaign
