// See short_way.hpp.
#include "viewer/short_way.hpp"

#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include <atomic>
#include <string_view>

#include "util/gst_ptr.hpp"
#include "viewer/encrypted_way.hpp"

namespace campaign::viewer {
namespace {

struct Way {
  Ref<GstPad> to;
  std::atomic<bool> open = false;  // what comes before buffers has gone the whole way
};

bool comes_before_buffers(const GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_FLUSH_STOP:
      return true;
    default:
      return false;
  }
}

// Elements such as rtpfunnel keep stream-start, caps and segment back until a buffer comes.
bool is_open(Way& way) {
  if (way.open) return true;
  way.open = true;
  return false;
}

GstPadProbeReturn lead(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& way = *static_cast<Way*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) &
      (GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH)) {
    if (comes_before_buffers(GST_PAD_PROBE_INFO_EVENT(info))) way.open = false;
    return GST_PAD_PROBE_OK;
  }
  if (!is_open(way)) return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) =
      GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST
          ? gst_pad_chain_list(way.to.get(), GST_PAD_PROBE_INFO_BUFFER_LIST(info))
          : gst_pad_chain(way.to.get(), GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_HANDLED;
}

// The one element of that factory in there; null: none, or several.
Ref<GstElement> only_one(GstElement* bin, const char* factory) {
  Ref<GstElement> found;
  bool alone = true;
  GstIterator* all = gst_bin_iterate_all_by_element_factory_name(GST_BIN(bin), factory);
  const auto take = [&](GstElement* element) {
    alone = !found;
    found = share(element);
  };
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(all, &item) == GST_ITERATOR_OK) {
    take(GST_ELEMENT(g_value_get_object(&item)));
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(all);
  return alone ? found : Ref<GstElement>();
}

Ref<GstPad> only_pad(GstElement* element, GstPadDirection direction, std::string_view prefix) {
  Ref<GstPad> found;
  bool alone = true;
  GST_OBJECT_LOCK(element);
  for (GList* item = direction == GST_PAD_SINK ? element->sinkpads : element->srcpads; item;
       item = item->next) {
    auto* pad = GST_PAD(item->data);
    if (!std::string_view(GST_PAD_NAME(pad)).starts_with(prefix)) continue;
    alone = !found;
    found = share(pad);
  }
  GST_OBJECT_UNLOCK(element);
  return alone ? found : Ref<GstPad>();
}

struct End {
  Ref<GstElement> element;
  Ref<GstPad> pad;
};

// The only element of `factory`, and the only pad of it with that name; empty: not as expected.
End find(GstElement* bin, const char* factory, GstPadDirection direction, std::string_view prefix) {
  End end{only_one(bin, factory), {}};
  if (end.element) end.pad = only_pad(end.element.get(), direction, prefix);
  return end;
}

void shorten_way_between(const End& from, const End& to) {
  if (from.pad && to.pad) shorten_way(from.pad.get(), to.pad.get());
}

// What webrtcbin's only sink pad is linked to, unless webrtcbin adds FEC behind it.
Ref<GstPad> entry_without_fec(GstElement* webrtcbin) {
  const auto sink_pad = only_pad(webrtcbin, GST_PAD_SINK, "sink_");
  if (!sink_pad) return {};
  GObject* transceiver = nullptr;
  g_object_get(sink_pad.get(), "transceiver", &transceiver, nullptr);
  if (!transceiver) return {};
  auto fec = GST_WEBRTC_FEC_TYPE_NONE;
  g_object_get(transceiver, "fec-type", &fec, nullptr);
  g_object_unref(transceiver);
  return fec == GST_WEBRTC_FEC_TYPE_NONE ? adopt(gst_pad_get_peer(sink_pad.get())) : Ref<GstPad>();
}

}  // namespace

void shorten_way(GstPad* from, GstPad* to) {
  gst_pad_add_probe(from,
                    GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
                                    GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH),
                    lead, new Way{share(to)}, [](gpointer way) { delete static_cast<Way*>(way); });
}

void shorten_ways(GstElement* webrtcbin) {
  const auto entry = entry_without_fec(webrtcbin);
  const auto history = find(webrtcbin, "rtprtxsend", GST_PAD_SINK, "sink"),
             session = find(webrtcbin, "rtpsession", GST_PAD_SRC, "send_rtp_src"),
             to_encrypt = find(webrtcbin, "srtpenc", GST_PAD_SINK, "rtp_sink"),
             encrypted = find(webrtcbin, "srtpenc", GST_PAD_SRC, "rtp_src"),
             socket = find(webrtcbin, "nicesink", GST_PAD_SINK, "sink");
  if (entry && history.pad) shorten_way(entry.get(), history.pad.get());
  if (session.pad && encrypted.pad && socket.pad &&
      encrypt_way(session.pad.get(), encrypted.element.get(), socket.pad.get()))
    return;
  shorten_way_between(session, to_encrypt);
  shorten_way_between(encrypted, socket);
}

}  // namespace campaign::viewer
