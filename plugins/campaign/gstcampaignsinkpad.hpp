// One input of campaignsink: a ghost pad that knows which campaign and quality it carries.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "gstcampaignsink.hpp"
#include "input.hpp"
#include "util/guarded.hpp"

namespace campaign {

struct PadNames {
  std::string campaign;          // empty: what upstream says, else "0"
  std::string quality;           // empty: the ladder's, or "high" for what comes encoded
  std::optional<Ladder> ladder;  // of this pad's own
  std::string ladder_text;       // as it was set
  unsigned max_viewers = 0;      // of this campaign; 0: no limit of its own
};

struct SinkPadImpl {
  Guarded<PadNames> names;
  // Made with the pad; who looks at it while the pad is released keeps it for that long.
  Guarded<std::shared_ptr<Input>> input;
  std::atomic<bool> changed = false;  // the ladder or the limit, while it streams
};

SinkPadImpl& impl(GstCampaignSinkPad* pad);

}  // namespace campaign
