import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.GenericRecord;

/** One line, fields separated by tabs, for each alert and each flow; what comes again is left out. */
final class Lines {
    private static final int REMEMBERED = 1_000_000;
    private static final long SECOND = 1_000_000_000L;

    private final Map<String, Boolean> seen = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    };

    List<String> of(GenericRecord record) throws UnknownHostException {
        return switch (record.getSchema().getName()) {
            case "Alert" -> alert(record);
            case "FlowBatch" -> flows(record);
            default -> List.of(record.toString());
        };
    }

    private List<String> alert(GenericRecord alert) {
        if (isKnown(alert.get("id") + "/" + alert.get("revision"))) {
            return List.of();
        }
        List<String> subject = new ArrayList<>();
        for (Object part : (List<?>) alert.get("subject")) {
            subject.add(((GenericRecord) part).get("field") + "=" + ((GenericRecord) part).get("value"));
        }
        return List.of(line("alert", time(alert, "time"), alert.get("severity"), alert.get("state"), alert.get("rule"),
                String.join(",", subject), alert.get("count"), alert.get("summary")));
    }

    private List<String> flows(GenericRecord batch) throws UnknownHostException {
        Map<Object, String> observers = new HashMap<>();
        for (Object each : (List<?>) batch.get("observers")) {
            GenericRecord observer = (GenericRecord) each;
            observers.put(observer.get("id"), observer.get("site") + "/" + observer.get("probe"));
        }
        List<String> lines = new ArrayList<>();
        for (Object each : (List<?>) batch.get("records")) {
            GenericRecord flow = (GenericRecord) each;
            String id = HexFormat.of().formatHex(((GenericFixed) flow.get("flow_id")).bytes());
            if (!isKnown(id + "/" + flow.get("status_sequence"))) {
                lines.add(line("flow", time(flow, "flow_start"), observers.getOrDefault(flow.get("observer"), "?"),
                        flow.get("protocol"), address(flow, "src_address"), flow.get("src_port"),
                        address(flow, "dst_address"), flow.get("dst_port"), sum(flow, "packets"), sum(flow, "bytes"), id));
            }
        }
        return lines;
    }

    private boolean isKnown(String key) {
        return seen.put(key, true) != null;
    }

    private static Instant time(GenericRecord record, String field) {
        long nanoseconds = (Long) record.get(field);
        return Instant.ofEpochSecond(nanoseconds / SECOND, nanoseconds % SECOND);
    }

    /** Both directions of a counter. */
    private static long sum(GenericRecord flow, String counter) {
        return ((Number) flow.get("src_" + counter)).longValue() + ((Number) flow.get("dst_" + counter)).longValue();
    }

    /** IPv4 lies mapped in IPv6, which InetAddress knows; where the flow is not of IP or ARP, a MAC is at the end. */
    private static String address(GenericRecord flow, String field) throws UnknownHostException {
        byte[] bytes = ((GenericFixed) flow.get(field)).bytes();
        int ethertype = (Integer) flow.get("ethertype");
        boolean isInternet = ethertype == 0x0800 || ethertype == 0x86dd || ethertype == 0x0806;
        return isInternet
                ? InetAddress.getByAddress(bytes).getHostAddress()
                : HexFormat.ofDelimiter(":").formatHex(bytes, 10, 16);
    }

    private static String line(Object... fields) {
        List<String> texts = new ArrayList<>();
        for (Object field : fields) {
            texts.add(String.valueOf(field));
        }
        return String.join("\t", texts);
    }
}
