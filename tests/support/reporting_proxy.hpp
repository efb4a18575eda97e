// The grants port of a proxy as the operator sees it, over plain HTTP on this host. Lives on its
// io_context's thread.
#pragma once

#include "crds/api/decode.hpp"
#include "crds/api/encode.hpp"
#include "operator/http/exchange.hpp"
#include "operator/http/server.hpp"
#include "operator/objects/pod.hpp"

#include <memory>
#include <string>
#include <vector>

namespace penstock::test {

class ReportingProxy {
 public:
    ReportingProxy(boost::asio::io_context& io, const std::string& id)
        : server_(http::Server::listen(io, "127.0.0.1:0", [this](const http::Request& request) {
                      return answer(request);
                  }).value()) {
        report.pool = "shop/orders";
        report.proxy_id = id;
        report.config_generation = 3;
    }

    http::ProxyAccess access() const { return http::on_this_host(server_->port(), "secret"); }

    api::Report report;
    int status = 200;
    int asked = 0;  // answers given
    std::vector<api::Grant> grants;

 private:
    http::Reply answer(const http::Request& request) {
        ++asked;
        if (request.method == "PUT") {
            const auto document = api::parse_json(request.body);
            const auto grant = api::decode<api::Grant>(*document, api::UnknownKeys::Ignore);
            grants.push_back(*grant);
            report.epoch = grant->epoch;
            report.sequence = grant->sequence;
            report.granted = grant->server_connections;
        }
        return {status, "application/json", api::to_json_text(api::encode(report))};
    }

    std::unique_ptr<http::Server> server_;
};

// A Pod of shop/orders whose container runs.
inline objects::PodFacts running_pod(const std::string& name) {
    objects::PodFacts pod;
    pod.name_space = "shop";
    pod.name = name;
    pod.uid = "uid-" + name;
    pod.pool = "shop/orders";
    pod.ip = "127.0.0.1";
    pod.restart_hash = "hash";
    pod.container_id = "containerd://" + name + "-1";
    pod.running = true;
    pod.ready = true;
    return pod;
}

}  // namespace penstock::test
