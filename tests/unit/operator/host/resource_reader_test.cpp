#include "operator/host/resource_reader.hpp"

#include "operator/host/files.hpp"
#include "operator/host/state_folder.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace penstock::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ResourceReaderTest : public testing::Test {
 protected:
    ResourceReaderTest() { EXPECT_TRUE(make_folder(folder_ / "status", FileMode::Public)); }

    void put(const std::string& kind, const std::string& name_space, const std::string& name)
        const {
        const std::string text =
            "kind: " + kind + "\nmetadata: {name: " + name + ", namespace: " + name_space + "}\n";
        const std::string file = kind + "_" + name_space + "_" + name + ".yaml";
        ASSERT_TRUE(replace_file(folder_ / "status" / file, text, FileMode::Public));
    }
    std::vector<std::string> names(const Selection& selection) const {
        std::vector<std::string> found;
        const auto resources = ResourceReader(folder_.path()).read(selection).value();
        for (const auto& each : resources) found.push_back(metadata_text(each, "name"));
        return found;
    }

    TemporaryFolder folder_;
};

TEST_F(ResourceReaderTest, KindsHaveTheNamesThatKubectlKnows) {
    for (const char* word :
         {"cpool", "connectionpool", "ConnectionPools", "connectionpools.penstock.dev"})
        EXPECT_THAT(kinds_named(word), ElementsAre("ConnectionPool")) << word;
    for (const char* word : {"bpres", "Backpressure", "backpressures"})
        EXPECT_THAT(kinds_named(word), ElementsAre("Backpressure")) << word;
    EXPECT_THAT(kinds_named("penstock"), ElementsAre("ConnectionPool", "Backpressure"));
    for (const char* word : {"", "pods", "cpools", ".penstock.dev"})
        EXPECT_THAT(kinds_named(word), IsEmpty()) << word;
}

TEST_F(ResourceReaderTest, SelectsByKindNamespaceAndName) {
    put("ConnectionPool", "default", "b");
    put("ConnectionPool", "default", "a");
    put("ConnectionPool", "shop", "c");
    put("Backpressure", "default", "d");
    const std::vector<std::string> pools{"ConnectionPool"}, both{"Backpressure", "ConnectionPool"};
    EXPECT_THAT(names({pools, "", "default"}), ElementsAre("a", "b"));
    EXPECT_THAT(names({pools, "", ""}), ElementsAre("a", "b", "c"));
    EXPECT_THAT(names({pools, "c", "shop"}), ElementsAre("c"));
    EXPECT_THAT(names({pools, "c", "default"}), IsEmpty());
    EXPECT_THAT(names({both, "", "default"}), ElementsAre("a", "b", "d"));
}

TEST_F(ResourceReaderTest, DamagedFileIsPassedOver) {
    put("ConnectionPool", "default", "a");
    ASSERT_TRUE(replace_file(folder_ / "status/x.yaml", "{", FileMode::Public));
    ASSERT_TRUE(replace_file(folder_ / "status/y.yaml", "- 5", FileMode::Public));
    EXPECT_THAT(names({{"ConnectionPool"}, "", ""}), ElementsAre("a"));
}

TEST_F(ResourceReaderTest, FolderWithoutStatusSaysWhatToDo) {
    const auto found = ResourceReader(folder_ / "absent").read({{"ConnectionPool"}, "", ""});
    ASSERT_FALSE(found);
    EXPECT_THAT(api::to_string(found.error()), HasSubstr("is --dir the folder"));
}

TEST_F(ResourceReaderTest, FaultsAreLines) {
    const ResourceReader reader(folder_.path());
    EXPECT_THAT(reader.faults(), IsEmpty());
    ASSERT_TRUE(replace_file(folder_ / "status/manifest-faults.txt", "one\ntwo\n", FileMode::Public)
    );
    EXPECT_THAT(reader.faults(), ElementsAre("one", "two"));
}

TEST_F(ResourceReaderTest, IsCurrentWhileAnOperatorHasTheFolder) {
    const ResourceReader reader(folder_.path());
    EXPECT_FALSE(reader.is_current());
    {
        const auto state = StateFolder::open(folder_.path());
        ASSERT_TRUE(state);
        EXPECT_TRUE(reader.is_current());
    }
    EXPECT_FALSE(reader.is_current());
}

TEST_F(ResourceReaderTest, UnknownNameIsToldAsKubectlDoes) {
    EXPECT_EQ(
        not_found("ConnectionPool", "x"),
        "Error from server (NotFound): connectionpools.penstock.dev \"x\" not found"
    );
}

}  // namespace
}  // namespace penstock::host
