import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The schemas that messages name: our own from files, others from the topic or the registry where writers announce them. */
final class Schemas {
    private static final TopicPartition ANNOUNCED = new TopicPartition("argosy.schemas.v1", 0);

    private final Map<String, Schema> ours = new HashMap<>();
    private final Map<Long, Schema> byFingerprint = new HashMap<>();
    private final Map<Integer, Schema> byId = new HashMap<>();
    private final HttpClient http = HttpClient.newHttpClient();
    private final Properties brokers;
    private final String registry;

    Schemas(Path directory, Properties brokers, String registry) throws IOException {
        this.brokers = brokers;
        this.registry = registry;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.avsc")) {
            for (Path file : files) {
                Schema schema = new Schema.Parser().parse(Files.readString(file));
                ours.put(schema.getFullName(), schema);
                learn(schema);
            }
        }
    }

    /** The schema that we know records of this name by: what the writer has besides is skipped, what it lacks gets its default. */
    Schema reader(Schema writer) {
        return ours.getOrDefault(writer.getFullName(), writer);
    }

    Schema byFingerprint(long fingerprint) throws IOException {
        if (!byFingerprint.containsKey(fingerprint)) {
            readAnnounced();
        }
        Schema found = byFingerprint.get(fingerprint);
        if (found == null) {
            throw new IOException(String.format("nobody announced the schema with fingerprint %016x", fingerprint));
        }
        return found;
    }

    Schema byId(int id) throws IOException, InterruptedException {
        Schema known = byId.get(id);
        if (known != null) {
            return known;
        }
        if (registry == null) {
            throw new IOException("schema id " + id + ": say --registry");
        }
        URI address = URI.create(registry + "/schemas/ids/" + id);
        HttpRequest request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(10)).build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException("schema id " + id + ": the registry answers " + answer.statusCode());
        }
        Schema found = new Schema.Parser().parse(new ObjectMapper().readTree(answer.body()).get("schema").asText());
        byId.put(id, found);
        return found;
    }

    private void learn(Schema schema) {
        byFingerprint.put(SchemaNormalization.parsingFingerprint64(schema), schema);
    }

    private void readAnnounced() {
        ByteArrayDeserializer plain = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(brokers, plain, plain)) {
            consumer.assign(List.of(ANNOUNCED));
            consumer.seekToBeginning(List.of(ANNOUNCED));
            long end = consumer.endOffsets(List.of(ANNOUNCED)).get(ANNOUNCED);
            while (consumer.position(ANNOUNCED) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    if (record.value() != null) {
                        learn(new Schema.Parser().parse(new String(record.value(), StandardCharsets.UTF_8)));
                    }
                }
            }
        }
    }
}
