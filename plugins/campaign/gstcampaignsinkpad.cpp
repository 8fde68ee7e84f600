// See gstcampaignsinkpad.hpp.
#include "gstcampaignsinkpad.hpp"

#include "util/id.hpp"

struct _GstCampaignSinkPad {
  GstGhostPad parent;
  campaign::SinkPadImpl* impl;  // owned
};

G_DEFINE_TYPE(GstCampaignSinkPad, gst_campaign_sink_pad, GST_TYPE_GHOST_PAD)

enum { PROP_PAD_0, PROP_PAD_CAMPAIGN, PROP_PAD_QUALITY, PROP_PAD_LADDER, PROP_PAD_MAX_VIEWERS };

namespace campaign {

SinkPadImpl& impl(GstCampaignSinkPad* pad) { return *pad->impl; }

}  // namespace campaign

using campaign::PadNames;

static void set_ladder(GstCampaignSinkPad* self, const std::string& json) {
  std::optional<campaign::Ladder> ladder;
  if (!json.empty()) {
    auto parsed = campaign::Ladder::parse(json);
    if (!parsed) {
      g_warning("ladder of %s:%s: %s", GST_DEBUG_PAD_NAME(self), parsed.error().for_user().c_str());
      return;
    }
    ladder = *parsed;
  }
  self->impl->names.with([&](PadNames& names) {
    names.ladder = std::move(ladder);
    names.ladder_text = json;
  });
  self->impl->changed = true;
}

static void gst_campaign_sink_pad_set_property(GObject* object, guint id, const GValue* value,
                                               GParamSpec* spec) {
  auto* self = GST_CAMPAIGN_SINK_PAD(object);
  if (id == PROP_PAD_MAX_VIEWERS) {
    self->impl->names.with([&](PadNames& names) { names.max_viewers = g_value_get_uint(value); });
    self->impl->changed = true;
    return;
  }
  const char* text = g_value_get_string(value);
  if (id == PROP_PAD_LADDER) {
    set_ladder(self, text ? text : "");
    return;
  }
  const std::string name = text ? text : "";
  if (!name.empty() && !campaign::is_valid_id(name)) {
    g_warning("%s of %s:%s must be %s", spec->name, GST_DEBUG_PAD_NAME(self),
              std::string(campaign::kIdRule).c_str());
    return;
  }
  self->impl->names.with([&](PadNames& names) {
    if (id == PROP_PAD_CAMPAIGN)
      names.campaign = name;
    else
      names.quality = name;
  });
}

static void gst_campaign_sink_pad_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const PadNames names = GST_CAMPAIGN_SINK_PAD(object)->impl->names.snapshot();
  switch (id) {
    case PROP_PAD_CAMPAIGN:
      g_value_set_string(value, names.campaign.empty() ? nullptr : names.campaign.c_str());
      break;
    case PROP_PAD_QUALITY:
      g_value_set_string(value, names.quality.empty() ? nullptr : names.quality.c_str());
      break;
    case PROP_PAD_LADDER:
      g_value_set_string(value, names.ladder_text.empty() ? nullptr : names.ladder_text.c_str());
      break;
    case PROP_PAD_MAX_VIEWERS:
      g_value_set_uint(value, names.max_viewers);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_campaign_sink_pad_finalize(GObject* object) {
  delete GST_CAMPAIGN_SINK_PAD(object)->impl;
  G_OBJECT_CLASS(gst_campaign_sink_pad_parent_class)->finalize(object);
}

static void gst_campaign_sink_pad_class_init(GstCampaignSinkPadClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_campaign_sink_pad_set_property;
  object_class->get_property = gst_campaign_sink_pad_get_property;
  object_class->finalize = gst_campaign_sink_pad_finalize;
  const auto flags = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      object_class, PROP_PAD_CAMPAIGN,
      g_param_spec_string("campaign", "Campaign",
                          "Id of the campaign on this pad, 1 to 64 of A-Za-z0-9._- "
                          "(unset: the campaign-id of the source upstream, else \"0\")",
                          nullptr, flags));
  g_object_class_install_property(
      object_class, PROP_PAD_QUALITY,
      g_param_spec_string(
          "quality", "Quality",
          "Name of the only quality on this pad (unset: every rung of the ladder that is not larger "
          "than the video, or \"high\" for video that comes encoded)",
          nullptr, flags));
  const auto playing = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  g_object_class_install_property(
      object_class, PROP_PAD_LADDER,
      g_param_spec_string("ladder", "Ladder",
                          "The qualities of this campaign, as the element's property ladder; a change takes "
                          "effect with the next frame (unset: the element's)",
                          nullptr, playing));
  g_object_class_install_property(
      object_class, PROP_PAD_MAX_VIEWERS,
      g_param_spec_uint("max-viewers", "Most viewers",
                        "How many may watch this campaign at once, beside the element's max-viewers; more "
                        "are told too-many-viewers, and 0 is no limit",
                        0, 100000, 0, playing));
}

static void gst_campaign_sink_pad_init(GstCampaignSinkPad* self) { self->impl = new campaign::SinkPadImpl; }
