// One input of campaignsink: a ghost pad that knows which campaign and quality it carries.
#pragma once

#include <memory>
#include <string>

#include "gstcampaignsink.hpp"
#include "input.hpp"
#include "util/guarded.hpp"

namespace campaign {

struct PadNames {
  std::string campaign;  // empty: what upstream says, else "0"
  std::string quality;   // empty: the ladder's, or "high" for what comes encoded
};

struct SinkPadImpl {
  Guarded<PadNames> names;
  std::unique_ptr<Input> input;  // made with the pad, released with it
};

SinkPadImpl& impl(GstCampaignSinkPad* pad);

// The nearest property "campaign-id" of an element upstream of `pad`, else "0".
std::string upstream_campaign(GstPad* pad);

}  // namespace campaign
