// Campaigns' documents in a folder of this machine, for a single node without Redis: a file a campaign,
// written anew, flushed to the disk and renamed, so that what was answered for survives a kill and a power
// cut. The disk is waited for on a thread of the store's own; all calls and callbacks are the loop's. Changes
// that come while a file is being written go into it together the next time, so that many a second cost few
// writes. Epochs are remembered as long as the process runs, for it is the only one that writes here.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "campaign/state/store.hpp"
#include "events/loop_queue.hpp"
#include "util/worker.hpp"

namespace campaign::events {

class FileStateStore : public state::StateStore {
 public:
  // Makes the folder where it is missing. Refused: a folder that cannot be written, or that another process
  // has open. `context` null is the default one.
  static Result<std::unique_ptr<FileStateStore>> open(const std::filesystem::path& folder,
                                                      GMainContext* context = nullptr);
  ~FileStateStore() override;  // what was not answered yet may be written or not

  void list(state::StoreReply<std::vector<std::string>> reply) override;
  void load(std::string_view campaign, state::StoreReply<state::Document> reply) override;
  void commit(std::string_view campaign, state::Epoch epoch, state::Change change,
              state::StoreReply<state::Document> reply) override;
  void restore(std::string_view campaign, state::Epoch epoch, state::Document document,
               state::StoreReply<state::Document> reply) override;
  void remove(std::string_view campaign, state::Epoch epoch,
              state::StoreReply<state::Document> reply) override;
  Subscription follow(std::string_view campaign, state::Document known,
                      std::function<void(const state::Update&)> told) override;

 private:
  class Folder;
  struct Follower;
  struct Request;
  struct Batch;
  struct Campaign;

  FileStateStore(std::shared_ptr<Folder> folder, GMainContext* context);
  void ask(std::string_view id, Request request);
  void serve(const std::shared_ptr<Campaign>& campaign);
  void read(const std::shared_ptr<Campaign>& campaign);
  void write(const std::shared_ptr<Campaign>& campaign, Batch batch);
  void finish(const std::shared_ptr<Campaign>& campaign, Batch batch, const Result<void>& written);
  void tell(const std::shared_ptr<Follower>& follower, state::Update update);

  std::shared_ptr<Folder> folder_;
  std::map<std::string, std::shared_ptr<Campaign>, std::less<>> campaigns_;
  LoopQueue loop_;
  Worker disk_{"state-files"};  // last: it posts to the loop
};

}  // namespace campaign::events
