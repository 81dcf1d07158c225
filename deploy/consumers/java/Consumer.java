import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.avro.AvroRuntimeException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Prints the alerts and flows of topics: Consumer BROKERS TOPIC... [--OPTION VALUE...]. */
final class Consumer {
    private static final String USAGE = "Consumer HOST:PORT TOPIC... [--schemas DIRECTORY] [--registry URL]"
            + " [--settings FILE] [--group NAME] [--until-idle SECONDS]";

    private final List<String> words = new ArrayList<>();
    private final Map<String, String> options = new HashMap<>();

    private Consumer(String[] arguments) {
        for (int at = 0; at < arguments.length; at++) {
            if (arguments[at].startsWith("--") && at + 1 < arguments.length) {
                options.put(arguments[at], arguments[++at]);
            } else {
                words.add(arguments[at]);
            }
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Consumer consumer = new Consumer(arguments);
        if (consumer.words.size() < 2) {
            System.err.println("usage: " + USAGE);
            System.exit(2);
        }
        consumer.run();
    }

    private void run() throws IOException, InterruptedException {
        Properties settings = settings();
        Path directory = Path.of(options.getOrDefault("--schemas", "schemas"));
        Values values = new Values(new Schemas(directory, settings, options.get("--registry")));
        Lines lines = new Lines();
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        ByteArrayDeserializer plain = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, plain, plain)) {
            begin(consumer);
            long idle = Long.parseLong(options.getOrDefault("--until-idle", "1000000000"));
            long heard = System.nanoTime();
            while (System.nanoTime() - heard < TimeUnit.SECONDS.toNanos(idle)) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    print(record, values, lines, out);
                }
                if (!records.isEmpty()) {
                    out.flush();
                    heard = System.nanoTime();
                    if (options.containsKey("--group")) {
                        consumer.commitSync(); // after what was read has been dealt with, never before
                    }
                }
            }
        }
    }

    private Properties settings() throws IOException {
        Properties settings = new Properties();
        if (options.containsKey("--settings")) {
            try (Reader file = Files.newBufferedReader(Path.of(options.get("--settings")))) {
                settings.load(file);
            }
        }
        settings.put("bootstrap.servers", words.get(0));
        if (options.containsKey("--group")) {
            settings.put("group.id", options.get("--group"));
        }
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed"); // alerts, names and DNS come in transactions
        return settings;
    }

    /** As a member of a group, which shares the partitions and remembers how far it came; else everything, from the start. */
    private void begin(KafkaConsumer<byte[], byte[]> consumer) {
        List<String> topics = words.subList(1, words.size());
        if (options.containsKey("--group")) {
            consumer.subscribe(topics);
            return;
        }
        List<TopicPartition> all = new ArrayList<>();
        for (String topic : topics) {
            for (PartitionInfo partition : consumer.partitionsFor(topic)) {
                all.add(new TopicPartition(topic, partition.partition()));
            }
        }
        consumer.assign(all);
    }

    private static void print(ConsumerRecord<byte[], byte[]> record, Values values, Lines lines, PrintStream out)
            throws InterruptedException {
        try {
            for (String line : lines.of(values.read(record.value()))) {
                out.println(line);
            }
        } catch (IOException | AvroRuntimeException damaged) { // bad input is normal input
            System.err.println(record.topic() + "/" + record.partition() + " at " + record.offset() + ": " + damaged);
        }
    }
}
