"""Metrics have labels that we chose: whatever a caller invents would stay in memory for ever."""

from prometheus_client import REGISTRY

from identity import meters


def methods_counted():
    meters.tell()
    return {
        sample.labels["method"]
        for metric in REGISTRY.collect()
        if metric.name == "motlan_requests"
        for sample in metric.samples
    }


class TestAttacker:
    def test_an_invented_method_makes_no_label_of_its_own(self, client):
        """Design §2.8: nothing of a caller's is a metric label."""
        answer = client.open("/jwks", method="BREW-A-CUP")

        assert answer.status_code == 501
        assert "BREW-A-CUP" not in methods_counted()
        assert "other" in methods_counted()
