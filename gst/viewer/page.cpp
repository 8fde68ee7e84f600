// See page.hpp.
#include "viewer/page.hpp"

extern "C" {  // glib-compile-resources writes C, without a word for C++
#include "page-resource.h"
}

namespace campaign::viewer {

signalling::WebPage page() { return {campaign_page_get_resource(), "/gst-campaign/page"}; }

}  // namespace campaign::viewer
