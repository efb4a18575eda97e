#include "operator/host/proxy_folder.hpp"

#include "crds/api/decode.hpp"
#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <set>

#include <gmock/gmock.h>
#include <unistd.h>

namespace penstock::host {
namespace {

TEST(ProxyFolder, IdsAreNeverTheSameAndFitTheirBounds) {
    std::set<std::string> ids;
    for (int i = 0; i < 100; ++i) ids.insert(new_proxy_id("default/orders"));
    EXPECT_EQ(ids.size(), 100U);
    EXPECT_THAT(*ids.begin(), testing::MatchesRegex("orders-[0-9a-f]{8}"));
    EXPECT_LE(new_proxy_id("default/" + std::string(63, 'x')).size(), 48U);
}

TEST(ProxyFolder, TokenIsPrivateAndLong) {
    const TemporaryFolder folder;
    ProxyFolder proxy(folder.path(), "a");
    ASSERT_TRUE(proxy.create());
    EXPECT_THAT(proxy.read_token().value(), testing::MatchesRegex("[0-9a-f]{64}"));
    using std::filesystem::perms;
    EXPECT_EQ(
        std::filesystem::status(proxy.path() / "token").permissions(),
        perms::owner_read | perms::owner_write
    );
}

TEST(ProxyFolder, ConfigurationIsWrittenWhenItIsAnother) {
    const TemporaryFolder folder;
    ProxyFolder proxy(folder.path(), "a");
    ASSERT_TRUE(proxy.create());
    api::DataplaneConfig config;
    config.database.host = "db";
    config.clients.authentication = api::Authentication::Trust;
    config = proxy.complete(config, "a");
    EXPECT_TRUE(proxy.write_config(config).value());
    EXPECT_FALSE(proxy.write_config(config).value());

    const auto text = read_file(proxy.config_file());
    const auto read = api::decode<api::DataplaneConfig>(api::parse_json(text.value()).value());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->proxy_id, "a");
    EXPECT_EQ(read->admin.port, 0);
    EXPECT_EQ(read->admin.token_file, (proxy.path() / "token").string());
}

TEST(ProxyFolder, AdminPortIsKnownOnceItIsWritten) {
    const TemporaryFolder folder;
    ProxyFolder proxy(folder.path(), "a");
    ASSERT_TRUE(proxy.create());
    EXPECT_EQ(proxy.admin_port(), std::nullopt);
    ASSERT_TRUE(replace_file(proxy.path() / "admin.port", "", FileMode::Public));
    EXPECT_EQ(proxy.admin_port(), std::nullopt);
    ASSERT_TRUE(replace_file(proxy.path() / "admin.port", "40123\n", FileMode::Public));
    EXPECT_EQ(proxy.admin_port(), 40123);
}

TEST(ProxyFolder, RecordsAreReadBackAndDamagedOnesPassedOver) {
    const TemporaryFolder folder;
    ProxyRecord living{"a", "default/orders", "hash", identify(::getpid()).value(), true};
    ProxyRecord gone{"b", "default/orders", "hash", {::getpid(), 1}, false};
    for (const ProxyRecord& record : {living, gone}) {
        ProxyFolder proxy(folder.path(), record.id);
        ASSERT_TRUE(proxy.create());
        ASSERT_TRUE(proxy.save(record));
    }
    for (const char* text : {"{", "[]", "{\"id\": 5}", "{\"id\": \"c\", \"pool\": \"x\"}"}) {
        ASSERT_TRUE(make_folder(folder / "c", FileMode::Private));
        ASSERT_TRUE(replace_file(folder / "c/record.json", text, FileMode::Public));
        gone.process = {};
        EXPECT_THAT(load_proxies(folder.path()), testing::UnorderedElementsAre(living, gone));
    }
}

}  // namespace
}  // namespace penstock::host
