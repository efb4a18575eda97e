#include "operator/objects/owned.hpp"

#include "operator/objects/read.hpp"

#include <gtest/gtest.h>

namespace penstock::objects {
namespace {

TEST(Owned, NameAndControllerAreThePools) {
    domain::Workload workload;
    workload.pool = "shop/orders";
    workload.owner_uid = "u";
    const api::Document object = owned(workload, "v1", "Service", "-proxies");
    EXPECT_EQ(text_at(object, "/metadata/name"), "orders-proxies");
    EXPECT_EQ(text_at(object, "/metadata/namespace"), "shop");
    EXPECT_EQ(text_at(object, "/metadata/ownerReferences/0/kind"), "ConnectionPool");
    EXPECT_EQ(text_at(object, "/metadata/ownerReferences/0/name"), "orders");
    EXPECT_EQ(*find(object, "/metadata/ownerReferences/0/controller"), true);
}

TEST(Owned, SelectorIsPartOfTheLabels) {
    domain::Workload workload;
    workload.pool = "shop/orders";
    const api::Document labels = labels_of(workload);
    const api::Document selector = selector_of(workload);
    EXPECT_EQ(selector.size(), 2U);
    for (const auto& [key, value] : selector.items()) EXPECT_EQ(labels[key], value);
}

}  // namespace
}  // namespace penstock::objects
