#include "operator/objects/pod.hpp"

#include "crds/api/names.hpp"
#include "operator/objects/names.hpp"
#include "operator/objects/read.hpp"

namespace penstock::objects {

namespace {

using api::Document;

const Document* proxy_container(const Document& pod) {
    for (const Document& each : list_at(pod, "/status/containerStatuses"))
        if (text_at(each, "/name") == proxy_container_name) return &each;
    return nullptr;
}

const Document* condition(const Document& pod, const char* type) {
    for (const Document& each : list_at(pod, "/status/conditions"))
        if (text_at(each, "/type") == type) return &each;
    return nullptr;
}

std::string reason_and_message(const Document& state) {
    const std::string reason = text_at(state, "/reason");
    const std::string message = text_at(state, "/message");
    if (reason.empty() || message.empty()) return reason + message;
    return reason + ": " + message;
}

std::string fault_of(const Document& pod, const Document* container) {
    if (const Document* scheduled = condition(pod, "PodScheduled");
        scheduled && text_at(*scheduled, "/status") == "False")
        return reason_and_message(*scheduled);
    if (!container) {
        const Document* status = find(pod, "/status");
        return status ? reason_and_message(*status) : std::string{};
    }
    std::string fault;
    if (const Document* waiting = find(*container, "/state/waiting")) {
        // Every Pod passes through this one.
        if (text_at(*waiting, "/reason") != "ContainerCreating")
            fault = reason_and_message(*waiting);
    }
    if (const Document* ended = find(*container, "/state/terminated"))
        fault = reason_and_message(*ended) + " (exit status " +
                std::to_string(number_at(*ended, "/exitCode")) + ")";
    if (const Document* last = find(*container, "/lastState/terminated");
        last && !fault.empty() && find(*container, "/state/waiting"))
        fault += "; it ended with exit status " + std::to_string(number_at(*last, "/exitCode")) +
                 " (" + text_at(*last, "/reason") + ")";
    return fault;
}

}  // namespace

PodFacts read_pod(const Document& pod) {
    PodFacts facts;
    facts.name_space = text_at(pod, "/metadata/namespace");
    facts.name = text_at(pod, "/metadata/name");
    facts.uid = text_at(pod, "/metadata/uid");
    facts.pool =
        facts.name_space + "/" + entry_of(pod, "/metadata/labels", std::string{api::labels::pool});
    facts.ip = text_at(pod, "/status/podIP");
    facts.restart_hash = entry_of(pod, "/metadata/annotations", restart_hash_annotation);
    facts.config_seen = entry_of(pod, "/metadata/annotations", config_seen_annotation);
    facts.terminating = find(pod, "/metadata/deletionTimestamp") != nullptr;
    const std::string phase = text_at(pod, "/status/phase");
    facts.ended = phase == "Succeeded" || phase == "Failed";
    const Document* container = proxy_container(pod);
    if (container) {
        facts.container_id = text_at(*container, "/containerID");
        facts.running = find(*container, "/state/running") != nullptr;
    }
    if (const Document* ready = condition(pod, "Ready"))
        facts.ready = facts.running && text_at(*ready, "/status") == "True";
    if (!facts.running) facts.fault = fault_of(pod, container);
    return facts;
}

}  // namespace penstock::objects
