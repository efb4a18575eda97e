// The files that crdgen makes are checked in; they must be what the tables say.
#include "crds/tools/generated.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

std::string contents(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(Generated, FilesAreCurrent) {
    for (const GeneratedFile& file : generated_files()) {
        EXPECT_TRUE(contents(std::string{PENSTOCK_SOURCE_DIR} + "/" + file.path) == file.text)
            << file.path
            << " is not what the tables in crds/api say; run crdgen with the source tree as its "
               "argument";
    }
}

TEST(Generated, DefinitionsAreGoodYaml) {
    for (const GeneratedFile& file : generated_files()) {
        if (!file.path.ends_with(".yaml")) continue;
        const auto document = yaml::read_one(file.text, file.path);
        ASSERT_TRUE(document) << to_string(document.error());
        EXPECT_EQ((*document)["kind"], "CustomResourceDefinition");
    }
}

}  // namespace
}  // namespace penstock::tools
