// How a campaign is written into its document in the store: {"campaign": what it is to be, "state": what its
// viewers are sent}. Plain C++, any thread.
#pragma once

#include <nlohmann/json.hpp>

#include "campaign/state/document.hpp"
#include "pipelines/server/campaign_spec.hpp"
#include "util/result.hpp"

namespace campaign::server {

// Of the member "campaign". Scene and ladder are texts in there, which a merge patch replaces as wholes.
nlohmann::json to_document(const CampaignSpec& spec);
// Refused: what nobody here has written.
Result<CampaignSpec> from_document(nlohmann::json stored);

// What its viewers are sent; an empty object where there is none yet.
nlohmann::json state_of(const state::Document& document);

}  // namespace campaign::server
