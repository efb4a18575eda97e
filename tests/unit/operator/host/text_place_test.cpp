#include "operator/host/text_place.hpp"

#include <gtest/gtest.h>

namespace penstock::host {
namespace {

constexpr std::string_view text = R"(# pools
---
apiVersion: penstock.dev/v1alpha1
kind: ConnectionPool
metadata:
  name: orders
  labels:
    app.kubernetes.io/name: x
spec:
  database:
    host: db
    # a comment
    port: 70000
  "replicas": 2
---
# nothing here
---
kind: Backpressure
spec:
  targetRefs:
  - name: a
    kind: ConnectionPool
  - kind: ConnectionPool
    name: b
  latency: {targetMilliseconds: 0}
)";

TEST(TextPlace, FieldsAreFoundByTheirPath) {
    struct Case {
        std::size_t document;
        const char* path;
        int line;
    };
    for (const Case& c : {
             Case{0, "", 3},
             {0, "kind", 4},
             {0, "metadata.name", 6},
             {0, "metadata.labels[app.kubernetes.io/name]", 8},
             {0, "spec.database.host", 11},
             {0, "spec.database.port", 13},
             {0, "spec.replicas", 14},
             {1, "kind", 18},
             {1, "spec.targetRefs", 20},
             {1, "spec.targetRefs[0].name", 21},
             {1, "spec.targetRefs[0].kind", 22},
             {1, "spec.targetRefs[1]", 23},
             {1, "spec.targetRefs[1].kind", 23},
             {1, "spec.targetRefs[1].name", 24},
         }) {
        EXPECT_EQ(line_of(text, c.document, c.path), c.line) << c.path;
    }
}

TEST(TextPlace, WhatIsNotWrittenIsAtTheThingAroundIt) {
    EXPECT_EQ(line_of(text, 0, "spec.database.tls.mode"), 10);
    EXPECT_EQ(line_of(text, 0, "spec.name"), 9);
    EXPECT_EQ(line_of(text, 1, "metadata"), 18);
    EXPECT_EQ(line_of(text, 1, "spec.latency.targetMilliseconds"), 25);
    EXPECT_EQ(line_of(text, 7, "spec"), 1);
    EXPECT_EQ(line_of("", 0, "spec"), 1);
}

}  // namespace
}  // namespace penstock::host
