import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;

/** Turns the value of a message into a record, whatever schema it was written with. */
final class Values {
    private static final int FINGERPRINT = 10; // bytes of header: C3 01 and a fingerprint, its lowest byte first
    private static final int ID = 5; // bytes of header: 00 and an id, its highest byte first

    private final Schemas schemas;
    private BinaryDecoder decoder;

    Values(Schemas schemas) {
        this.schemas = schemas;
    }

    GenericRecord read(byte[] value) throws IOException, InterruptedException {
        ByteBuffer bytes = ByteBuffer.wrap(value);
        if (value.length >= FINGERPRINT && value[0] == (byte) 0xC3 && value[1] == 1) {
            long fingerprint = bytes.order(ByteOrder.LITTLE_ENDIAN).getLong(2);
            return decode(value, FINGERPRINT, schemas.byFingerprint(fingerprint));
        }
        if (value.length >= ID && value[0] == 0) {
            return decode(value, ID, schemas.byId(bytes.getInt(1)));
        }
        throw new IOException("neither Avro single-object encoding nor Confluent's wire format");
    }

    private GenericRecord decode(byte[] value, int begin, Schema writer) throws IOException {
        decoder = DecoderFactory.get().binaryDecoder(value, begin, value.length - begin, decoder);
        return new GenericDatumReader<GenericRecord>(writer, schemas.reader(writer)).read(null, decoder);
    }
}
