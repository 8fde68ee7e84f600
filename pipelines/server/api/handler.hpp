// Carries out what the API asks for, and writes its answers. Main loop's thread; answers may come later.
#pragma once

#include <functional>
#include <string>

#include "pipelines/server/api/call.hpp"
#include "pipelines/server/campaigns.hpp"

namespace campaign::server {

struct ApiResponse {
  unsigned status = 200;
  std::string body;                   // JSON; empty: none
  std::string location, etag, allow;  // headers, where not empty
};

ApiResponse to_response(const Denial& denial, const std::string& path);

class ApiHandler {
 public:
  using Answer = std::function<void(ApiResponse)>;

  // `drain`: begins it.
  ApiHandler(Campaigns& campaigns, Membership& membership, Stage& stage, std::function<void()> drain)
      : campaigns_(campaigns), membership_(membership), stage_(stage), drain_(std::move(drain)) {}

  void handle(const ApiCall& call, const std::string& path, Answer answer);

 private:
  nlohmann::json to_json(const CampaignInfo& info) const;
  template <class F>
  Reply<CampaignInfo> answer_with(Answer answer, std::string path, F&& body);
  void viewers(const ApiCall& call, const std::string& path, Answer answer);

  Campaigns& campaigns_;
  Membership& membership_;
  Stage& stage_;
  const std::function<void()> drain_;
};

}  // namespace campaign::server
