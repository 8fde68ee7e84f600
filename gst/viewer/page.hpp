// The viewer page of gst/viewer/page, compiled in.
#pragma once

#include "signalling/web_page.hpp"

namespace campaign::viewer {

signalling::WebPage page();

}  // namespace campaign::viewer
