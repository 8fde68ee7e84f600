// Knocks at a server that may still be starting. Plain calls, any thread without a running main context.
#pragma once

#include "pipelines/load/options.hpp"

namespace campaign::load {

// Returns when a viewer is let in, who then leaves at once, or when options.wait is over: what was said last
// is the error then.
Result<void> wait_at_the_door(const Options& options);

}  // namespace campaign::load
