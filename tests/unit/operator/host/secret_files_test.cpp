#include "operator/host/secret_files.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace penstock::host {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

TEST(SecretFiles, DataIsBase64AndStringDataGoesOverIt) {
    const auto secret = decode_secret(ordered_json::parse(R"({
        "metadata": {"name": "users"},
        "data": {"a": "aGVsbG8=", "b": "AAEC", "c": ""}, "stringData": {"b": "plain"}})"));
    ASSERT_TRUE(secret);
    EXPECT_EQ(*secret, (Secret{"default", "users", {{"a", "hello"}, {"b", "plain"}, {"c", ""}}}));
}

TEST(SecretFiles, FaultsNameTheirFieldAndNotTheValue) {
    struct Case {
        const char* document;
        const char* fault;
    };
    for (const Case& c : {
             Case{R"({})", "metadata: must be set"},
             {R"({"metadata": {}})", "metadata.name: must be letters"},
             {R"({"metadata": {"name": "../x"}})", "metadata.name: must be letters"},
             {R"({"metadata": {"name": ".."}})", "metadata.name: must be letters"},
             {R"({"metadata": {"name": "x", "namespace": "a/b"}})", "metadata.namespace: must be"},
             {R"({"metadata": {"name": "x"}, "data": {"k": "s3cret!"}})", "data.k: must be base64"},
             {R"({"metadata": {"name": "x"}, "data": {"k": "abc"}})", "data.k: must be base64"},
             {R"({"metadata": {"name": "x"}, "data": {"k": 5}})", "data.k: must be a text"},
             {R"({"metadata": {"name": "x"}, "data": []})", "data: must be a map"},
             {R"({"metadata": {"name": "x"}, "stringData": {"../k": "v"}})", "key must be letters"},
         }) {
        SCOPED_TRACE(c.document);
        const auto secret = decode_secret(ordered_json::parse(c.document));
        ASSERT_FALSE(secret);
        EXPECT_THAT(api::to_string(secret.error().front()), HasSubstr(c.fault));
        EXPECT_THAT(api::to_string(secret.error().front()), testing::Not(HasSubstr("s3cret")));
    }
}

TEST(SecretFiles, FilesHoldExactlyTheSecrets) {
    const TemporaryFolder folder;
    SecretFiles files(folder / "secrets");
    const std::vector<Secret> both{
        {"default", "a", {{"x", "1"}, {"y", "2"}}}, {"prod", "b", {{"z", "3"}}}};
    EXPECT_TRUE(files.sync(both, SecretFiles::Surplus::Remove).value());
    EXPECT_EQ(read_file(folder / "secrets/default/a/x").value(), "1");
    EXPECT_EQ(
        fs::status(folder / "secrets/default/a/x").permissions(),
        fs::perms::owner_read | fs::perms::owner_write
    );
    EXPECT_EQ(fs::status(folder / "secrets/default/a").permissions(), fs::perms::owner_all);

    EXPECT_FALSE(files.sync({both[0]}, SecretFiles::Surplus::Keep).value());
    EXPECT_TRUE(fs::exists(folder / "secrets/prod/b/z"));

    EXPECT_TRUE(
        files.sync({{"default", "a", {{"x", "changed"}}}}, SecretFiles::Surplus::Remove).value()
    );
    EXPECT_EQ(read_file(folder / "secrets/default/a/x").value(), "changed");
    EXPECT_FALSE(fs::exists(folder / "secrets/default/a/y"));
    EXPECT_FALSE(fs::exists(folder / "secrets/prod"));
    EXPECT_FALSE(
        files.sync({{"default", "a", {{"x", "changed"}}}}, SecretFiles::Surplus::Remove).value()
    );
}

TEST(SecretFiles, WhatCannotBeWrittenIsToldAndTheRestIsDone) {
    const TemporaryFolder folder;
    SecretFiles files(folder / "secrets");
    ASSERT_TRUE(make_folder(folder / "secrets", FileMode::Private));
    // A file where the folder of a namespace should be.
    ASSERT_TRUE(replace_file(folder / "secrets/bad", "", FileMode::Private));
    const auto result = files.sync(
        {{"bad", "a", {{"x", "1"}}}, {"good", "b", {{"z", "3"}}}}, SecretFiles::Surplus::Remove
    );
    ASSERT_FALSE(result);
    EXPECT_THAT(api::to_string(result.error().front()), HasSubstr("secrets/bad/a"));
    EXPECT_TRUE(fs::exists(folder / "secrets/good/b/z"));
}

TEST(SecretFiles, MissingSecretsAndKeysAreNamed) {
    const TemporaryFolder folder;
    SecretFiles files(folder / "secrets");
    ASSERT_TRUE(files.sync({{"default", "a", {{"x", "1"}}}}, SecretFiles::Surplus::Remove));
    const std::string root = files.folder().string();
    const ordered_json document = {
        {"one", root + "/default/a/x"},
        {"two", {{"deep", root + "/default/a/y"}}},
        {"three", ordered_json::array({root + "/default/b/z", root + "/default/b/w"})},
        {"other", "/no/such/file"}};
    EXPECT_THAT(
        missing_secrets(document, files.folder()),
        ElementsAre(
            "Secret default/a has no key y; add it", "Secret default/b is missing; add its manifest"
        )
    );
}

}  // namespace
}  // namespace penstock::host
