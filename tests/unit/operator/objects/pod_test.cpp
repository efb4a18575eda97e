#include "operator/objects/pod.hpp"

#include <gtest/gtest.h>

namespace penstock::objects {
namespace {

using api::Document;

Document running_pod() {
    return *api::parse_json(R"({
        "metadata": {"namespace": "shop", "name": "orders-5d-x", "uid": "u1",
            "labels": {"penstock.dev/pool": "orders"},
            "annotations": {"penstock.dev/restart-hash": "aa", "penstock.dev/config-seen": "7"}},
        "status": {"phase": "Running", "podIP": "10.0.0.7",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "sidecar", "containerID": "c0"},
                {"name": "proxy", "containerID": "c1", "state": {"running": {}}}]}})");
}

TEST(Pod, SaysWhereItsProxyIs) {
    const PodFacts facts = read_pod(running_pod());
    PodFacts wanted;
    wanted.name_space = "shop";
    wanted.name = "orders-5d-x";
    wanted.uid = "u1";
    wanted.pool = "shop/orders";
    wanted.ip = "10.0.0.7";
    wanted.restart_hash = "aa";
    wanted.config_seen = "7";
    wanted.container_id = "c1";
    wanted.running = wanted.ready = true;
    EXPECT_EQ(facts, wanted);
}

TEST(Pod, SaysWhyItDoesNotRun) {
    struct Case {
        const char* status;
        const char* fault;
    };
    const Case cases[] = {
        {R"({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes"}]})",
         "Unschedulable: 0/1 nodes"},
        {R"({"containerStatuses": [{"name": "proxy", "state": {"waiting": {
            "reason": "ErrImageNeverPull", "message": "no image"}}}]})",
         "ErrImageNeverPull: no image"},
        {R"({"containerStatuses": [{"name": "proxy", "state": {"waiting": {
            "reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1,
            "reason": "Error"}}}]})",
         "CrashLoopBackOff; it ended with exit status 1 (Error)"},
        {R"({"containerStatuses": [{"name": "proxy", "state": {"terminated": {
            "reason": "OOMKilled", "exitCode": 137}}}]})",
         "OOMKilled (exit status 137)"},
        {R"({"phase": "Failed", "reason": "Evicted", "message": "disk"})", "Evicted: disk"},
        {R"({"containerStatuses": [{"name": "proxy", "state": {"waiting": {
            "reason": "ContainerCreating"}}}]})",
         ""},
    };
    for (const Case& each : cases) {
        Document pod = running_pod();
        pod["status"] = *api::parse_json(each.status);
        const PodFacts facts = read_pod(pod);
        EXPECT_EQ(facts.fault, each.fault);
        EXPECT_FALSE(facts.running);
        EXPECT_FALSE(facts.ready);
    }
}

TEST(Pod, EndIsNoticed) {
    Document pod = running_pod();
    EXPECT_FALSE(read_pod(pod).terminating);
    pod["metadata"]["deletionTimestamp"] = "2024-05-01T12:00:00Z";
    EXPECT_TRUE(read_pod(pod).terminating);
    pod["status"]["phase"] = "Succeeded";
    EXPECT_TRUE(read_pod(pod).ended);
}

TEST(Pod, AnythingElseReadsAsNothing) {
    for (const char* text : {"{}", "[]", "null", R"({"metadata": 1, "status": "x"})"}) {
        PodFacts nothing;
        nothing.pool = "/";
        EXPECT_EQ(read_pod(*api::parse_json(text)), nothing) << text;
    }
}

}  // namespace
}  // namespace penstock::objects
