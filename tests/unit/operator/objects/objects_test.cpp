#include "operator/objects/objects.hpp"

#include "operator/objects/in_force.hpp"
#include "operator/objects/read.hpp"
#include "tests/support/sample_workload.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace penstock::objects {
namespace {

using api::Document;

const ObjectSettings object_settings{"penstock:0.1.0", "PEM\n"};

Document all_objects() {
    Document list = Document::array();
    for (Document& each : wanted_objects(test::sample_workload(), 2, object_settings))
        list.push_back(std::move(each));
    return list;
}

// A changed golden is a reviewed change: PENSTOCK_GOLDEN=write writes it anew.
TEST(Objects, AreThoseOfTheGoldenFile) {
    const std::string file = PENSTOCK_SOURCE_DIR "/tests/golden/orders.json";
    const std::string text = all_objects().dump(2) + "\n";
    if (const char* wish = std::getenv("PENSTOCK_GOLDEN"); wish && std::string(wish) == "write")
        std::ofstream(file) << text;
    std::stringstream golden;
    golden << std::ifstream(file).rdbuf();
    EXPECT_EQ(golden.str(), text);
}

TEST(Objects, BelongToThePoolAndAreLabelled) {
    for (const Document& each : all_objects()) {
        EXPECT_EQ(text_at(each, "/metadata/namespace"), "shop");
        EXPECT_EQ(text_at(each, "/metadata/ownerReferences/0/uid"), "pool-uid");
        EXPECT_EQ(
            entry_of(each, "/metadata/labels", "app.kubernetes.io/managed-by"), "penstock-operator"
        );
    }
}

TEST(Objects, ConfigMapHasTheWholeConfiguration) {
    const Document map = config_map(test::sample_workload(), object_settings);
    const auto config = api::parse_json(text_at(map, "/data/config.json"));
    ASSERT_TRUE(config);
    EXPECT_EQ(text_at(*config, "/pool"), "shop/orders");
    EXPECT_EQ(text_at(*config, "/proxyId"), "");
    EXPECT_EQ(
        text_at(*config, "/admin/grants/clientCaFile"), "/etc/penstock/config/operator-ca.crt"
    );
    EXPECT_EQ(text_at(map, "/data/operator-ca.crt"), "PEM\n");
}

TEST(Objects, HeadlessServiceShowsProxiesThatAreNotReady) {
    const Document service = headless_service(test::sample_workload());
    EXPECT_EQ(text_at(service, "/spec/clusterIP"), "None");
    EXPECT_EQ(*find(service, "/spec/publishNotReadyAddresses"), true);
}

TEST(Objects, SameWorkloadIsInForce) {
    const Document wanted = all_objects();
    EXPECT_TRUE(is_in_force(wanted, all_objects()));
}

}  // namespace
}  // namespace penstock::objects
