// What stands before a sink pad, on one line of elements: pads are followed into and out of bins. Any thread.
#pragma once

#include <gst/gst.h>

#include <string>

namespace campaign {

// The nearest property "campaign-id" of an element upstream of `pad`, else "0".
std::string upstream_campaign(GstPad* pad);

// Whether what comes to `pad` goes to others too, as behind a tee.
bool has_other_readers(GstPad* pad);

}  // namespace campaign
