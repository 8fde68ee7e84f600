// What a driver compiled, kept in a file: it comes back to the driver that wrote it, and whatever else lies
// there is as if it were not.
#include "vk/pipeline_cache.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "vk/device.hpp"

namespace campaign::vk {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

const CacheIdentity kDriver{0x10005, 7, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

Bytes data_of(const CacheIdentity& identity, size_t size) {
  VkPipelineCacheHeaderVersionOne header{
      sizeof header, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, identity.vendor, identity.device, {}};
  std::memcpy(header.pipelineCacheUUID, identity.uuid, VK_UUID_SIZE);
  Bytes data(std::max(size, sizeof header));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 31);
  std::memcpy(data.data(), &header, sizeof header);
  return data;
}

class PipelineCacheTest : public testing::Test {
 protected:
  PipelineCacheTest() {
    std::string name = (fs::temp_directory_path() / "pipeline-cache-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~PipelineCacheTest() override { fs::remove_all(folder_); }

  Bytes bytes_of(const fs::path& path) const {
    Bytes bytes(fs::file_size(path));
    std::ifstream(path, std::ios::binary)
        .read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  }
  void put(const fs::path& path, const Bytes& bytes) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ptrdiff_t files() const { return std::distance(fs::directory_iterator(folder_), {}); }

  fs::path folder_;
};

TEST_F(PipelineCacheTest, GivesBackWhatWasWrittenAndLeavesNothingElse) {
  PipelineCacheFile file(folder_ / "below" / "below", kDriver);
  EXPECT_TRUE(file.read().empty());
  for (size_t size : {100u, 50'000u, 60u}) {
    const Bytes data = data_of(kDriver, size);
    ASSERT_TRUE(file.write(data));
    EXPECT_EQ(file.read(), data);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(file.path().parent_path()), {}), 1);
}

TEST_F(PipelineCacheTest, EachDeviceAndDriverHasItsOwnFile) {
  CacheIdentity newer = kDriver, other = kDriver;
  newer.uuid[15] = 99;
  other.device = 8;
  PipelineCacheFile mine(folder_, kDriver);
  ASSERT_TRUE(mine.write(data_of(kDriver, 100)));
  for (const auto& identity : {newer, other}) {
    PipelineCacheFile theirs(folder_, identity);
    EXPECT_TRUE(theirs.read().empty());
    EXPECT_FALSE(theirs.write(data_of(kDriver, 100))) << "another driver's data";
    fs::copy_file(mine.path(), theirs.path());
    EXPECT_TRUE(theirs.read().empty()) << "another driver's file under this one's name";
  }
}

TEST_F(PipelineCacheTest, AFileWithAnyByteChangedOrMissingIsNotRead) {
  PipelineCacheFile file(folder_, kDriver);
  ASSERT_TRUE(file.write(data_of(kDriver, 80)));
  const Bytes good = bytes_of(file.path());
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{0x40};
    put(file.path(), bad);
    EXPECT_TRUE(file.read().empty()) << "byte " << i;
    put(file.path(), Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(i)));
    EXPECT_TRUE(file.read().empty()) << "cut at " << i;
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  put(file.path(), longer);
  EXPECT_TRUE(file.read().empty());
  put(file.path(), good);
  EXPECT_FALSE(file.read().empty());
}

TEST_F(PipelineCacheTest, WhatIsTooLargeOrNoFileIsNeitherReadNorWritten) {
  PipelineCacheFile file(folder_, kDriver);
  EXPECT_FALSE(file.write(data_of(kDriver, PipelineCacheFile::kLargest + 1)));
  EXPECT_EQ(files(), 0);
  ASSERT_EQ(mkfifo(file.path().c_str(), 0600), 0);
  EXPECT_TRUE(file.read().empty()) << "and it does not wait for the pipe's other end";
  fs::remove(file.path());
  fs::create_directory(file.path());
  EXPECT_TRUE(file.read().empty());
  EXPECT_FALSE(file.write(data_of(kDriver, 100)));
  EXPECT_EQ(files(), 1) << "the temporary file is gone";
}

TEST_F(PipelineCacheTest, WithoutAFolderNothingIsKept) {
  PipelineCacheFile file({}, kDriver);
  EXPECT_FALSE(file.write(data_of(kDriver, 100)));
  EXPECT_TRUE(file.read().empty());
}

TEST_F(PipelineCacheTest, AFolderThatCannotBeMadeIsNoError) {
  put(folder_ / "a file", {});
  EXPECT_FALSE(PipelineCacheFile(folder_ / "a file" / "below", kDriver).write(data_of(kDriver, 100)));
}

TEST_F(PipelineCacheTest, ADeviceLeavesItsCacheAndTakesItUpAgain) {
  ASSERT_TRUE(Device::open("llvmpipe", folder_));  // opened, and closed at once
  ASSERT_EQ(files(), 1);
  const fs::path path = fs::directory_iterator(folder_)->path();
  const Bytes first = bytes_of(path);
  EXPECT_TRUE(Device::open("llvmpipe", folder_));
  EXPECT_EQ(files(), 1);
  put(path, Bytes(first.size(), std::byte{0x55}));
  EXPECT_TRUE(Device::open("llvmpipe", folder_)) << "garbage does not stop it";
  EXPECT_EQ(bytes_of(path), first) << "and is replaced";
}

}  // namespace
}  // namespace campaign::vk
